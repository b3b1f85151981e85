import { validationError } from './api/errors';
import { setAvailable, type InstancePool } from './faults/capacity';
import { setQuota, trainingQuota } from './faults/quotas';
import { addTickets, dropTickets, type Ticket } from './faults/tickets';
import type { SagemakerService } from './service';

const DEFAULT_TAIL = 100;

export interface LocalRequest {
  method: string;
  url: URL;
  /** The parsed body; an empty object where there is none. */
  body: Record<string, unknown>;
}

/** Text for a person, or JSON; null where there is no such route. */
export type LocalAnswer = { text: string } | { json: object } | null;

/**
 * What only the local service has, below `/_local/`: health, logs, and faults on demand. Faults and quotas are kept on disk.
 * - `POST training-jobs/<name>/interrupt`: the spot instance is reclaimed
 * - `POST training-jobs/<name>/internal-error`: the instance breaks; RetryStrategy counts
 * - `GET training-jobs/<name>/log?tail=&stream=` and `GET training-jobs/<name>/log-streams`
 * - `POST capacity` {instanceType?, spot?, jobName?, failures} fails that many launches, {…, available} holds them back or lets them go
 * - `POST internal-errors` {jobName?, failures}: that many next starts end in an internal error
 * - `POST throttling` {operation?, requests}: that many next requests are throttled
 * - `POST quotas` {instanceType, spot?, instances}: instances at a time; null for no bound
 * A count of 0 takes back what has not struck yet.
 */
export async function answerLocally(service: SagemakerService, request: LocalRequest): Promise<LocalAnswer> {
  const { method, url, body } = request;
  const path = url.pathname.slice('/_local/'.length);
  if (path === 'healthz') return { json: { status: 'ok' } };
  const [, name, verb] = /^training-jobs\/([^/]+)\/([a-z-]+)$/.exec(path) ?? [];
  if (name) return answerOfJob(service, request, name, `${method} ${verb}`);
  const fault = FAULTS[`${method} ${path}`];
  if (!fault) return null;
  await fault(service.options.home, body);
  return { json: {} };
}

async function answerOfJob(
  { training }: SagemakerService,
  { url }: LocalRequest,
  name: string,
  route: string,
): Promise<LocalAnswer> {
  switch (route) {
    case 'POST interrupt':
      return { json: await training.interrupt(name) };
    case 'POST internal-error':
      return { json: await training.break(name) };
    case 'GET log-streams':
      return { json: { logStreams: await training.logStreams(name) } };
    case 'GET log': {
      const tail = Math.max(1, Number(url.searchParams.get('tail') ?? DEFAULT_TAIL) || DEFAULT_TAIL);
      const lines = await training.log(name, tail, url.searchParams.get('stream') ?? undefined);
      return { text: lines.map((line) => `${line}\n`).join('') };
    }
    default:
      return null;
  }
}

type Fault = (home: string, body: Record<string, unknown>) => Promise<void>;

const FAULTS: Record<string, Fault> = {
  async 'POST capacity'(home, body) {
    const pool = only<InstancePool>(body, { instanceType: 'string', spot: 'boolean' });
    if (typeof body['available'] === 'boolean') return setAvailable(home, pool, body['available']);
    await strike(
      home,
      { fault: 'capacity', ...pool, ...only<Omit<Ticket, 'fault'>>(body, { jobName: 'string' }) },
      body['failures'],
    );
  },
  'POST internal-errors': (home, body) =>
    strike(
      home,
      { fault: 'internal-error', ...only<Omit<Ticket, 'fault'>>(body, { jobName: 'string' }) },
      body['failures'],
    ),
  'POST throttling': (home, body) =>
    strike(
      home,
      { fault: 'throttling', ...only<Omit<Ticket, 'fault'>>(body, { operation: 'string' }) },
      body['requests'],
    ),
  async 'POST quotas'(home, body) {
    const { instanceType, spot } = only<InstancePool>(body, { instanceType: 'string', spot: 'boolean' });
    const { instances } = body;
    if (instanceType === undefined || (instances !== null && !isCount(instances))) {
      throw validationError('Expected {instanceType, spot?, instances: a count, or null for no bound}.');
    }
    await setQuota(home, trainingQuota(instanceType, spot ?? false), instances);
  },
};

async function strike(home: string, ticket: Ticket, count: unknown): Promise<void> {
  if (!isCount(count))
    throw validationError('Expected how often the fault strikes: a whole number, 0 for no more.');
  if (count === 0) await dropTickets(home, ticket.fault);
  else await addTickets(home, ticket, count);
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;

/** The members of the body that are named, where they have the type. */
function only<T extends object>(body: Record<string, unknown>, types: Record<string, string>): T {
  for (const [member, type] of Object.entries(types)) {
    if (body[member] !== undefined && typeof body[member] !== type) {
      throw validationError(`${member}: expected a ${type}, found ${JSON.stringify(body[member])}.`);
    }
  }
  return Object.fromEntries(
    Object.keys(types)
      .filter((member) => body[member] !== undefined)
      .map((member) => [member, body[member]]),
  ) as T;
}
