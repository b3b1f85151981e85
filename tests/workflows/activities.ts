import { churn } from '../../models/churn/model';
import type { TrainingOutcome } from '../../contracts/training';

/** What every activity was called with, in order. */
export type Calls = [activity: string, argument: unknown][];

const SNAPSHOT = {
  model: 'churn',
  snapshot: 'abc',
  prefix: 'datasets/churn/abc/',
  rows: { train: 70, validation: 10, test: 20 },
  positives: { train: 7, validation: 1, test: 2 },
};

export const served = (version: string) => ({
  version,
  artifactKey: `models/churn/${version}/manifest.json`,
  sha256: version,
});

/** A training that went well. */
export const trained = (jobName: string): TrainingOutcome => ({
  jobName,
  artifactKey: `training/${jobName}/output/model.tar.gz`,
  trainingSeconds: 3,
  billableSeconds: 3,
  metrics: {},
  createdAt: '2026-11-21T00:00:00Z',
  startedAt: '2026-11-21T00:00:01Z',
  endedAt: '2026-11-21T00:00:04Z',
});

const evaluation = (verdict: string) => ({
  rows: 20,
  metrics: { auc: { value: 0.85, low: 0.8, high: 0.9 } },
  gate: { verdict, rules: [{ rule: 'auc', verdict, found: '0.85', expected: 'at least 0.75' }] },
});

type Mock = (argument: never) => unknown;

/**
 * Activities that answer as a good day would, and note every call. A test replaces those it is about.
 * Only the logic of workflows is tested against them; whatever touches a system is tested on that system.
 */
export function mockActivities(
  calls: Calls,
  replaced: Record<string, Mock> = {},
): Record<string, (argument: never) => Promise<unknown>> {
  const goodDay: Record<string, Mock> = {
    resolveDeclaration: () => ({
      hash: 'd'.repeat(64),
      declaration: churn,
      code: { key: 'code/c.tar.gz', hash: 'c' },
    }),
    listModels: () => ['churn'],
    viewsToLoad: () => churn.views,
    enforceOptOuts: () => ({ entities: 3, removed: 1, verified: 3 }),
    compareStores: ({ view }: { view: { name: string } }) => ({
      view: view.name,
      watermark: '2026-11-20',
      compared: 100,
      equal: 98,
      pushed: 2,
      score: 1,
      examples: [],
    }),
    labelEntities: () => ({ days: ['2026-09-01', '2026-10-01'], rows: 100, positives: 10 }),
    computeFeatures: ({ days }: { days: string[] }) => ({
      partitions: days.map((day) => ({ day, key: day, rows: 50, computed: true, checks: 9 })),
      absent: [],
      notes: [],
    }),
    materializeView: ({ view, asOf }: { view: { name: string }; asOf: string }) => ({
      view: view.name,
      entities: 50,
      written: 50,
      skipped: 0,
      removed: 0,
      leftOut: [],
      verified: 5,
      watermark: asOf,
      newestEvent: null,
    }),
    snapshotDataset: () => SNAPSHOT,
    validateSnapshot: () => ({ passed: true, checks: 12, findings: [] }),
    estimateCost: ({ instanceType }: { instanceType: string }) => ({
      seconds: { low: 0, high: 3600 },
      dollars: { low: 0, high: 0.23 },
      pricePerHour: 0.23,
      instanceType,
      runs: 0,
    }),
    recordCost: () => null,
    findLimits: () => [],
    notifyTrainingEnded: () => undefined,
    startTrainingJob: ({ jobName }: { jobName: string }) => ({ jobName, adopted: false }),
    awaitTrainingJob: ({ jobName }: { jobName: string }) => trained(jobName),
    stopTrainingJob: () => undefined,
    allocateVersion: () => 'churn-v1.0.0',
    packageVersion: ({ version }: { version: string }) => served(version),
    registerVersion: () => ({ runId: 'r', mlflowVersion: '1' }),
    describeContest: ({ version }: { version: string }) => ({
      declaration: churn,
      snapshot: SNAPSHOT,
      candidate: served(version),
      champion: null,
    }),
    evaluateVersion: () => evaluation('pass'),
    recordEvaluation: () => undefined,
    requestDecision: ({ decision }: { decision: { id: string } }) => ({
      id: decision.id,
      status: 'queued',
      generation: null,
      problem: null,
    }),
    awaitDecision: ({ decision }: { decision: { id: string } }) => ({
      id: decision.id,
      status: 'done',
      generation: 1,
      problem: null,
    }),
    countPredictions: () => ({ predictions: 1_000_000, failed: 0 }),
    findOpenRuns: () => [],
    notifyParked: () => undefined,
    notifyVerdict: () => undefined,
    notifyStillOpen: () => undefined,
    notifyLate: () => undefined,
    reportConsistency: () => undefined,
    ...replaced,
  };
  return Object.fromEntries(
    Object.entries(goodDay).map(([name, mock]) => [
      name,
      async (argument: never) => {
        calls.push([name, argument]);
        return mock(argument);
      },
    ]),
  );
}

export const failedGate = () => evaluation('fail');

/** The names of the activities that were called, without those that only tell people. */
export const names = (calls: Calls): string[] => calls.map(([name]) => name);
