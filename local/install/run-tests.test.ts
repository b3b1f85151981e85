import { summarize } from './run-tests.mjs';

const run = (status: number, counts: Record<string, number>) => ({ status, results: counts });

describe('the closing line of the tests', () => {
  it('sums what passed', () => {
    const runs = [run(0, { numPassedTests: 100 }), run(0, { numPassedTests: 23 })];
    expect(summarize(runs)).toEqual({ line: 'Tests: 123 passed, 0 failed', ok: true });
  });

  it('tells of skipped tests', () => {
    const runs = [run(0, { numPassedTests: 1, numPendingTests: 2, numTodoTests: 1 })];
    expect(summarize(runs).line).toBe('Tests: 1 passed, 0 failed, 3 skipped');
  });

  it('counts a suite that could not run as failed', () => {
    const runs = [run(1, { numPassedTests: 5, numFailedTests: 1, numRuntimeErrorTestSuites: 2 })];
    expect(summarize(runs)).toEqual({ line: 'Tests: 5 passed, 3 failed', ok: false });
  });

  it('counts a run that failed without a failed test, or without results, as failed', () => {
    expect(summarize([run(1, { numPassedTests: 5 })]).ok).toBe(false);
    expect(summarize([{ status: 134, results: undefined }])).toEqual({
      line: 'Tests: 0 passed, 1 failed',
      ok: false,
    });
  });

  it('is not content when nothing ran', () => {
    expect(summarize([run(0, {})])).toEqual({ line: 'Tests: 0 passed, 0 failed', ok: false });
  });
});
