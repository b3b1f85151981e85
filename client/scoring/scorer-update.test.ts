import { ApplicationFailure, ServiceError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { ErrorCode } from '../../contracts/errors';
import { updateScorer } from './scorer-update';

const rows = [{ requestId: 'r', features: {} }];

/** A client whose every call fails like that. */
function failingWith(error: Error): Client {
  const executeUpdateWithStart = jest.fn().mockRejectedValue(error);
  const withDeadline = (_deadline: number, call: () => unknown) => call();
  return { withDeadline, workflow: { executeUpdateWithStart } } as unknown as Client;
}

const grpcError = (code: number) =>
  new ServiceError('the call failed', {
    cause: Object.assign(new Error('grpc'), { code, details: '', metadata: {} }),
  });

describe('a call that fails close to its deadline', () => {
  it('says what was wrong with it, not that it was late', async () => {
    const refusal = ApplicationFailure.nonRetryable('no such model', ErrorCode.UnknownModel, []);
    const client = failingWith(new WorkflowUpdateFailedError('refused', refusal));
    await expect(updateScorer(client, 'churn', 0, rows, Date.now())).rejects.toMatchObject({
      code: ErrorCode.UnknownModel,
      message: 'no such model',
    });
  });

  it.each([4, 14])('is late where it might have been made again (gRPC status %i)', async (status) => {
    await expect(
      updateScorer(failingWith(grpcError(status)), 'churn', 0, rows, Date.now()),
    ).rejects.toMatchObject({
      code: ErrorCode.DependencyUnavailable,
      message: expect.stringContaining('no prediction before the deadline'),
    });
  });
});
