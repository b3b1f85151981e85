import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { ErrorCode, MeridianError } from '../contracts/errors';
import { givenUp, keepAlive, toFailure } from './temporal';

const MINUTE = 60_000;

describe('toFailure', () => {
  it('carries code, fields and what a retry may mend', () => {
    const fields = [{ field: 'a', found: '1', expected: '2' }];
    expect(toFailure(new MeridianError(ErrorCode.InvalidInput, 'no', fields))).toMatchObject({
      type: 'InvalidInput',
      nonRetryable: true,
      details: [fields],
    });
    expect(toFailure(new MeridianError(ErrorCode.DependencyUnavailable, 'away'))).toMatchObject({
      type: 'DependencyUnavailable',
      nonRetryable: false,
    });
  });

  it('leaves what Temporal itself throws', () => {
    const cancelled = new CancelledFailure('stop');
    expect(toFailure(cancelled)).toBe(cancelled);
  });
});

describe('givenUp', () => {
  const scheduled = { scheduledTimestampMs: 0 };

  it('ends the retries of an unexplained error after some minutes', () => {
    const bug = new TypeError('x is undefined');
    expect(givenUp(bug, scheduled, MINUTE)).toBe(bug);
    expect(givenUp(bug, scheduled, 5 * MINUTE)).toMatchObject({
      type: 'TypeError',
      nonRetryable: true,
      message: 'x is undefined',
    });
  });

  it('lets an outage be waited out', () => {
    const outage = ApplicationFailure.create({
      type: ErrorCode.DependencyUnavailable,
      message: 'S3 does not answer',
    });
    expect(givenUp(outage, scheduled, 300 * MINUTE)).toBe(outage);
  });

  it('never touches a cancellation', () => {
    const cancelled = new CancelledFailure('stop');
    expect(givenUp(cancelled, scheduled, 300 * MINUTE)).toBe(cancelled);
  });
});

describe('keepAlive', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('repeats the newest details until it is stopped, and the last attempt’s until there are any', () => {
    const beats: unknown[] = [];
    const context = {
      info: { heartbeatDetails: 'chunk 3' },
      heartbeat: (details: unknown) => beats.push(details),
    };
    const stop = keepAlive(context as never);
    jest.advanceTimersByTime(5_000);
    context.heartbeat('chunk 4');
    jest.advanceTimersByTime(10_000);
    stop();
    jest.advanceTimersByTime(60_000);
    expect(beats).toEqual(['chunk 3', 'chunk 4', 'chunk 4', 'chunk 4']);
  });
});
