import type { TrainingEnd } from '../../contracts/training-end';
import { createTrainingEndedActivities } from './training-ended';

const END: TrainingEnd = {
  workflowId: 'retrain/churn/2026-12-01',
  runId: 'run-1',
  model: 'churn',
  trigger: 'person',
  by: 'U0123ABCDE',
  reason: 'new features',
  ended: 'completed',
  seconds: 754,
  problem: null,
  version: 'churn-v1.2.0',
  verdict: 'pass',
  metrics: { auc: 0.812345 },
  jobName: 'churn-job',
  trainingSeconds: 300,
  billableSeconds: 120,
  cost: { jobs: [], trainingSeconds: 300, billableSeconds: 120, spotSavingPercent: 60, dollars: 0.0077 },
  estimate: {
    seconds: { low: 1, high: 2 },
    dollars: { low: 0.005, high: 0.25 },
    pricePerHour: 0.23,
    instanceType: 'ml.m5.xlarge',
    runs: 4,
  },
  mlflow: { experimentId: '3', runId: 'r' },
};

/** The activity, what it said, and the bucket it remembers in. */
function observed(endpoint?: string) {
  const said: { title: string; text: string; id?: string }[] = [];
  const counted: object[] = [];
  const told = new Set<string>();
  let failure: Error | null = null;
  const measure = (_name: string, _value: number, tags: object) => void counted.push(tags);
  const activities = createTrainingEndedActivities({
    say: async (title, text, options) => {
      said.push({ title, text, ...options });
    },
    telemetry: { count: measure, gauge: measure, distribution: measure, close: () => undefined },
    store: {
      head: async (key) => (told.has(key) ? { key, etag: '', bytes: 1 } : null),
      create: async (key) => {
        if (failure) throw failure;
        const isNew = !told.has(key);
        told.add(key);
        return isNew;
      },
    },
    config: {
      links: { temporalUi: 'https://ui' },
      mlflowUrl: 'https://mlflow',
      sagemaker: { endpoint, region: 'us-west-2', roleArn: '', imageRegistry: '', imageTag: '' },
      temporal: { namespace: 'default' },
    },
  });
  const notifyTrainingEnded = (end: TrainingEnd): Promise<void> => activities.notifyTrainingEnded(end);
  return { said, counted, notifyTrainingEnded, failWith: (error: Error | null) => (failure = error) };
}

describe('notifyTrainingEnded', () => {
  it('names who started it, the version, its figures, cost and saving, and links to all there is to see', async () => {
    const { said, notifyTrainingEnded } = observed();
    await notifyTrainingEnded(END);
    expect(said).toHaveLength(1);
    const [{ title, text }] = said as [{ title: string; text: string }];
    expect(title).toBe('churn-v1.2.0 is trained: verdict pass');
    for (const part of [
      '<@U0123ABCDE> started it: new features. It took 13 min.',
      'Held out: auc 0.8123',
      'Cost $0.0077; estimated $0.0050 to $0.25; 300 s of training, 120 s billable; spot saved 60 %',
      '<https://ui/namespaces/default/workflows/retrain%2Fchurn%2F2026-12-01/run-1|retrain/churn/2026-12-01>',
      '<https://mlflow/#/experiments/3/runs/r|MLflow run>',
      'https://us-west-2.console.aws.amazon.com/sagemaker/home?region=us-west-2#/jobs/churn-job|churn-job>',
      'cloudwatch',
    ])
      expect(text).toContain(part);
    expect(text).not.toContain('Staging');
  });

  it('says of a version that did not pass that it stays in Staging, and where its rules are', async () => {
    const { said, notifyTrainingEnded } = observed();
    await notifyTrainingEnded({ ...END, verdict: 'fail' });
    expect(said[0]!.text).toContain(
      'It stays in Staging. Every rule with its numbers: ' +
        '<https://ui/namespaces/default/workflows/evaluate%2Fchurn%2Fchurn-v1.2.0|evaluate/churn/churn-v1.2.0>',
    );
  });

  it('links to the log of the local service where there is one', async () => {
    const { said, notifyTrainingEnded } = observed('http://127.0.0.1:1');
    await notifyTrainingEnded(END);
    expect(said[0]!.text).toContain(
      '<http://127.0.0.1:1/_local/training-jobs/churn-job/log|log of churn-job>',
    );
  });

  it('tells once, and gives the same message ID where it could not remember that it did', async () => {
    const { said, counted, notifyTrainingEnded, failWith } = observed();
    failWith(new Error('S3 is away'));
    await expect(notifyTrainingEnded(END)).rejects.toThrow('S3 is away');
    failWith(null);
    await notifyTrainingEnded(END);
    await notifyTrainingEnded(END);
    expect(said.map(({ id }) => id)).toEqual([said[0]!.id, said[0]!.id]);
    expect(said[0]!.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(counted).toEqual([{ model: 'churn', trigger: 'person', ended: 'completed', verdict: 'pass' }]);
    await notifyTrainingEnded({ ...END, runId: 'run-2' });
    expect(said[2]!.id).not.toBe(said[0]!.id);
  });

  it.each([
    ['failed', 'Training churn failed', 'UnknownModel: No model'],
    ['aborted', 'Training churn was aborted', 'StepAborted: train: aborted by ana'],
    ['cancelled', 'Training churn was cancelled', null],
  ] as const)('tells of one that %s what there is to tell', async (ended, title, problem) => {
    const { said, notifyTrainingEnded } = observed();
    const nothing = { version: null, verdict: null, metrics: null, jobName: null, mlflow: null };
    const took = { trainingSeconds: null, billableSeconds: null, cost: null, estimate: null };
    await notifyTrainingEnded({ ...END, ...nothing, ...took, by: '', trigger: 'schedule', ended, problem });
    expect(said[0]!.title).toBe(title);
    expect(said[0]!.text).toContain('A schedule started it');
    expect(said[0]!.text).toContain(problem ?? '');
    expect(said[0]!.text).not.toMatch(/null|undefined|Held out|Cost/);
  });
});
