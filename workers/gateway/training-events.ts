import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { JobEvents } from '../../platform/job-events';
import { jobNamesOf } from './training-events-body';

export interface EventsAnswer {
  /** Jobs whose waits were woken, each once. */
  woken: string[];
  /** Events that are about no job that anybody waits for here. */
  ignored: number;
}

export interface TrainingEvents {
  /** @throws MeridianError AccessDenied where the request does not bring the token that is expected */
  authorize(request: Pick<IncomingMessage, 'headers'>): void;
  /** @throws MeridianError InvalidInput, DependencyUnavailable */
  receive(body: Record<string, unknown>): Promise<EventsAnswer>;
}

/**
 * EventBridge's word that a job has changed, handed on to whoever waits for the job. What has changed is asked of
 * SageMaker itself: an event may be late, double, out of order, or not from AWS at all.
 */
export function createTrainingEvents(events: Pick<JobEvents, 'publish'>, token?: string): TrainingEvents {
  return {
    authorize({ headers }) {
      if (token === undefined || isEqual(headers.authorization ?? '', `Bearer ${token}`)) return;
      throw new MeridianError(
        ErrorCode.AccessDenied,
        'Header authorization: expected "Bearer " and the token in MERIDIAN_EVENTS_TOKEN, found another value or none.',
        [
          {
            field: 'authorization',
            found: headers.authorization ? 'another value' : 'nothing',
            expected: 'Bearer <token>',
          },
        ],
      );
    },
    async receive(body) {
      const { names, ignored } = jobNamesOf(body);
      for (const name of names) await events.publish(name);
      return { woken: names, ignored };
    },
  };
}

function isEqual(found: string, expected: string): boolean {
  const [a, b] = [Buffer.from(found), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
