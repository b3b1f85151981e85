import { ServiceError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { ErrorCode, MeridianError } from '../contracts/errors';
import { withDatabase } from './duckdb';
import { Patience } from './patience';
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

  it('tells the cause of an outage, and of nothing that may hold data', () => {
    const cause = new Error("Could not convert string 'anna@example.org' to INT32");
    const failure = (code: ErrorCode) => toFailure(new MeridianError(code, 'told', [], { cause }));
    for (const code of Object.values(ErrorCode)) {
      const outage = /^(DependencyUnavailable|CapacityUnavailable|AccessDenied|Overloaded)$/.test(code);
      expect([code, (failure(code) as ApplicationFailure).cause]).toEqual([code, outage ? cause : undefined]);
    }
  });

  it('tells of an error of DuckDB’s that nobody foresaw its class, and no value', async () => {
    const failures = await withDatabase(async (database) =>
      Promise.all(
        ["SELECT 'anna@example.org'::INT", `SELECT error('anna' || chr(10) || 'at anna')`].map((sql) =>
          database.execute(sql).then(
            () => undefined,
            (error: unknown) => toFailure(error) as ApplicationFailure,
          ),
        ),
      ),
    );
    for (const failure of failures) {
      expect(failure).toMatchObject({ type: 'Error', nonRetryable: false, cause: undefined });
      expect(failure!.message).toMatch(/^DuckDB failed on the data: (Conversion|Invalid Input) Error/);
      expect(`${failure!.message} ${failure!.stack}`).not.toContain('anna');
    }
  });

  it('leaves what Temporal itself throws', () => {
    const cancelled = new CancelledFailure('stop');
    expect(toFailure(cancelled)).toBe(cancelled);
  });
});

describe('toFailure of what the client of Temporal throws', () => {
  const grpc = (code: number) =>
    Object.assign(new Error('14 UNAVAILABLE'), { code, details: '', metadata: {} });

  it.each([4, 8, 14])('takes gRPC status %d for an outage, however it is wrapped', (code) => {
    const outage = { type: 'DependencyUnavailable', nonRetryable: false };
    const wrapped = new ServiceError('Failed to start Workflow', { cause: grpc(code) });
    expect(toFailure(grpc(code))).toMatchObject(outage);
    expect(toFailure(wrapped)).toMatchObject(outage);
    expect(toFailure(new WorkflowUpdateRPCTimeoutOrCancelledError('late', { cause: wrapped }))).toMatchObject(
      outage,
    );
  });

  it('leaves the others as they are', () => {
    const denied = new ServiceError('no', { cause: grpc(7) });
    expect(toFailure(denied)).toBe(denied);
  });
});

describe('givenUp', () => {
  const info = { workflowExecution: { workflowId: 'w', runId: 'r' }, activityId: '1' };
  let minute: number;
  let patience: Patience;
  const failures = (failure: unknown, count: number): unknown[] =>
    Array.from({ length: count }, () => {
      minute += 1;
      return givenUp(failure, info, patience);
    });

  beforeEach(() => {
    minute = 0;
    patience = new Patience(() => minute * MINUTE);
  });

  it('ends the retries of an unexplained error that comes again and again', () => {
    const bug = new TypeError('x is undefined');
    const given = failures(bug, 5);
    expect(given.slice(0, 4)).toEqual([bug, bug, bug, bug]);
    expect(given[4]).toMatchObject({ type: 'TypeError', nonRetryable: true, message: 'x is undefined' });
  });

  it('keeps the details of what it gives up', () => {
    const fields = [{ field: 'a', found: '1', expected: '2' }];
    const busy = ApplicationFailure.create({
      type: ErrorCode.Overloaded,
      message: 'busy',
      details: [fields],
    });
    expect(failures(busy, 5)[4]).toMatchObject({ type: 'Overloaded', nonRetryable: true, details: [fields] });
  });

  it('retries one unexplained error at the end of a long outage', () => {
    const outage = ApplicationFailure.create({
      type: ErrorCode.DependencyUnavailable,
      message: 'S3 does not answer',
    });
    expect(new Set(failures(outage, 300))).toEqual(new Set([outage]));
    const reset = new Error('socket hang up');
    expect(failures(reset, 1)).toEqual([reset]);
  });

  it('never touches what is final already, or a cancellation', () => {
    const final = ApplicationFailure.create({ type: 'InvalidInput', nonRetryable: true, details: [1] });
    const cancelled = new CancelledFailure('stop');
    expect(failures(final, 10)).toEqual(Array.from({ length: 10 }, () => final));
    expect(failures(cancelled, 10).every((failure) => failure === cancelled)).toBe(true);
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
