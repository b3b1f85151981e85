import { ApplicationFailure, ServiceError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { ErrorCode } from '../../contracts/errors';
import { updateScorer, type Target } from './scorer-update';

const rows = [{ requestId: 'r', features: {} }];

/** A client whose every update fails like that, of a Temporal that answers everything else, or nothing. */
function failingWith(error: Error, answers = true): Target & { update: jest.Mock } {
  const executeUpdateWithStart = jest.fn().mockRejectedValue(error);
  const getSystemInfo = jest.fn();
  if (!answers) getSystemInfo.mockRejectedValue(error);
  const withDeadline = (_deadline: number, call: () => unknown) => call();
  const client = { withDeadline, workflow: { executeUpdateWithStart }, workflowService: { getSystemInfo } };
  return {
    client: client as unknown as Client,
    model: 'churn',
    shard: 0,
    reach: { problem: null },
    update: executeUpdateWithStart,
  };
}

const grpcError = (code: number) =>
  new ServiceError('the call failed', {
    cause: Object.assign(new Error('grpc'), { code, details: '', metadata: {} }),
  });

describe('a call that fails close to its deadline', () => {
  it('says what was wrong with it, not that it was late', async () => {
    const refusal = ApplicationFailure.nonRetryable('no such model', ErrorCode.UnknownModel, []);
    const target = failingWith(new WorkflowUpdateFailedError('refused', refusal));
    await expect(updateScorer(target, rows, Date.now())).rejects.toMatchObject({
      code: ErrorCode.UnknownModel,
      message: 'no such model',
    });
  });

  it.each([
    ['late, where Temporal answers but no worker does', 4, true, ErrorCode.DeadlineExceeded],
    ['an outage, where Temporal does not answer in time', 4, false, ErrorCode.DependencyUnavailable],
    ['an outage, where Temporal is not there', 14, false, ErrorCode.DependencyUnavailable],
  ])('is %s', async (_name, status, answers, code) => {
    const target = failingWith(grpcError(status), answers);
    await expect(updateScorer(target, rows, Date.now())).rejects.toMatchObject({
      code,
      message: expect.stringContaining('no prediction before the deadline'),
    });
    // What callers with earlier deadlines are told.
    expect(target.reach.problem === null).toBe(code === ErrorCode.DeadlineExceeded);
  });
});

describe('an update that was lost', () => {
  const outcomes = [{ ok: true, prediction: 0.5, model_version: 'churn-v1.0.0', latency_ms: 1 }];

  it('is sent again under the same ID until it is answered', async () => {
    const target = failingWith(grpcError(14));
    const { update } = target;
    update.mockRejectedValueOnce(grpcError(4)).mockRejectedValueOnce(grpcError(14));
    update.mockResolvedValueOnce({ outcomes });
    await expect(updateScorer(target, rows, Date.now() + 60_000)).resolves.toBe(outcomes);
    const ids = update.mock.calls.map(([, { updateId }]: [string, { updateId: string }]) => updateId);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
    expect(target.reach.problem).toBeNull();
  });

  it('is waited for in attempts that are shorter than the whole', async () => {
    const target = failingWith(grpcError(4));
    const { update } = target;
    update.mockRejectedValueOnce(grpcError(4)).mockResolvedValueOnce({ outcomes });
    const deadlines: number[] = [];
    target.client.withDeadline = (deadline, call) => {
      deadlines.push(Number(deadline));
      return call();
    };
    const begun = Date.now();
    await updateScorer(target, rows, begun + 60_000);
    for (const deadline of deadlines) expect(deadline).toBeLessThan(begun + 30_000);
  });
});
