import { createScoringClient } from '../../client/scoring';
import type { Evaluation } from '../../contracts/evaluation';
import { Key, WorkflowId } from '../../contracts/ids';
import type { MetricLine } from '../../contracts/model';
import type { Generation } from '../../contracts/release';
import type { PredictResponse } from '../../contracts/scoring';
import { anEntity, type Entity } from '../../local/main-job/predictions';
import { churn } from '../../models/churn/model';
import type { PlainRow } from '../../platform/duckdb';
import type { MaterializeResult } from '../../workflows/materialize-features';
import { storedCaptures } from '../scoring/captures';
import { until } from '../support/servers';
import { answerOf, startPlatform, type Platform } from './platform';
import {
  auditOf,
  expectArtifactIntact,
  expectOneProduction,
  expectVersionsGivenOnce,
  manifestOf,
  registryOf,
  servedBy,
  trainingJobs,
} from './record';
import { detailsOf, released, resultOf, startFromCli, startRetraining, type Released } from './runs';

jest.setTimeout(300_000);

describe('the main job', () => {
  let platform: Platform;
  let first: Released;
  let entity: Entity;
  /** Requests made early, so that their capture is in S3 by the end. */
  const captured = ['captured-1', 'captured-2', 'captured-3'];

  beforeAll(async () => {
    platform = await startPlatform();
  });

  afterAll(() => platform?.close());

  it('loads the features online, started from the Temporal CLI', async () => {
    const workflowId = WorkflowId.materializeFeatures(platform.day);
    expect(
      await startFromCli(platform, 'materializeFeatures', workflowId, { date: platform.day }),
    ).toMatchObject({
      status: 0,
    });
    const { views } = await resultOf<MaterializeResult>(platform, workflowId);
    expect(views.map(({ view }) => view).sort()).toEqual(churn.views.map(({ name }) => name).sort());
    for (const { entities } of views) expect(entities).toBeGreaterThan(2_000);
    entity = await anEntity(platform.store, churn, platform.day);
  });

  describe('a retraining started from the Temporal CLI', () => {
    it('ends with the first version in Production', async () => {
      expect(
        await startFromCli(platform, 'retrainModel', 'retrain/churn/first', { model: 'churn' }),
      ).toMatchObject({
        status: 0,
      });
      first = await released(platform, 'retrain/churn/first');
      expect(first).toMatchObject({ version: 'churn-v1.0.0', verdict: 'pass', generation: 1 });
      expect(first.metrics['auc']).toBeGreaterThan(0.75);
      await expectOneProduction(platform, 'churn', first);
    });

    it('ran exactly one training job', async () => {
      expect(await trainingJobs(platform, 'churn-')).toEqual([`${first.jobName} Completed`]);
    });

    it('leaves an artifact, a judgement and a release that fit each other', async () => {
      const served = await servedBy(platform, 'churn');
      await expectArtifactIntact(platform, 'churn', served);
      expect(served).toMatchObject({
        n: 1,
        previous: null,
        production: { version: 'churn-v1.0.0' },
        variants: [{ version: 'churn-v1.0.0', weight: 1, mode: 'live' }],
        who: 'retrain/churn/first',
      });
      const { provenance } = await manifestOf(platform, 'churn', 'churn-v1.0.0');
      expect(provenance).toMatchObject({
        workflowId: 'retrain/churn/first',
        jobName: first.jobName,
        snapshot: first.snapshot,
      });
      const audit = await auditOf(platform, 'churn');
      expect(audit).toMatchObject([
        { what: 'promote', before: null, after: { generation: served, evidence: { verdict: 'pass' } } },
      ]);
    });

    it('is on record in MLflow: one Production version by stage and alias, each metric once a step', async () => {
      const { versions, stages, aliases } = await registryOf(platform, 'churn');
      expect(stages).toEqual({ 'churn-v1.0.0': 'Production' });
      expect(aliases).toMatchObject({ production: 'churn-v1.0.0' });
      const lines = (await platform.store.get(`${Key.version('churn', 'churn-v1.0.0')}metrics.jsonl`))
        .toString('utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as MetricLine);
      expect(lines.length).toBeGreaterThan(20);
      for (const name of Object.keys(lines[0]!.metrics)) {
        const { metrics } = await platform.mlflow.get<{ metrics: { step?: number; value: number }[] }>(
          'metrics/get-history',
          { run_id: versions[0]!.run_id, metric_key: name, max_results: '25000' },
        );
        expect(metrics.map(({ step = 0, value }) => [step, value]).sort(byStep)).toEqual(
          lines.map(({ step, metrics: values }) => [step, values[name]]).sort(byStep),
        );
      }
    });

    it('is found by what it is about, and says in words what it has done', async () => {
      const query = `MeridianModel = "churn" AND MeridianModelVersion = "churn-v1.0.0" AND MeridianTrigger = "person"`;
      const found: string[] = [];
      await until('the run to be found by its search attributes', async () => {
        found.length = 0;
        for await (const { workflowId } of platform.client.workflow.list({ query })) found.push(workflowId);
        return found.length === 3;
      });
      expect(found.sort()).toEqual([
        'evaluate/churn/churn-v1.0.0',
        'retrain/churn/first',
        'roll-out/churn/churn-v1.0.0',
      ]);
      const details = await detailsOf(platform, 'retrain/churn/first');
      expect(details).toContain(`✔ **train**: job ${first.jobName}`);
      expect(details).toContain('✔ **evaluate**: verdict **pass**');
    });
  });

  describe('predictions', () => {
    const ways = async (): Promise<PredictResponse[]> => {
      const subject = JSON.stringify(entity);
      const oneShot = await answerOf<{ result: PredictResponse }>(
        platform.temporal('workflow execute', {
          type: 'predict',
          'task-queue': 'scoring',
          'workflow-id': 'predict/from-anywhere',
          input: JSON.stringify({ model: 'churn', entity }),
          output: 'json',
        }),
      );
      return [
        await answerOf<PredictResponse>(platform.meridian('predict', 'churn', '--entity', subject, '--json')),
        await answerOf<PredictResponse>(
          platform.meridian('predict', 'churn', '--entity', subject, '--http', '--json'),
        ),
        oneShot.result,
      ];
    };

    it('are the same through the queue, over HTTP and by the one-shot workflow', async () => {
      const answers = await ways();
      expect(answers.map(({ model_version }) => model_version)).toEqual(answers.map(() => 'churn-v1.0.0'));
      const [{ prediction }] = answers as [PredictResponse];
      expect(prediction).toBeGreaterThan(0);
      expect(prediction).toBeLessThan(1);
      expect(answers.map((answer) => answer.prediction)).toEqual(answers.map(() => prediction));
    });

    it('are answered alike where a request is made again', async () => {
      const scoring = createScoringClient({ client: platform.client });
      const ask = () =>
        Promise.all(captured.map((requestId) => scoring.predict('churn', { entity }, { requestId })));
      const answers = await ask();
      expect(await ask()).toEqual(answers);
    });
  });

  describe('a second retraining that is released at once', () => {
    it('takes over, and keeps what was before', async () => {
      const before = await platform.store.get(Key.generation('churn', 1));
      const second = await released(platform, await startRetraining(platform, 'second'));
      expect(second).toMatchObject({ version: 'churn-v1.1.0', generation: 2 });
      // The same data gives the same snapshot.
      expect(second.snapshot).toBe(first.snapshot);
      await expectOneProduction(platform, 'churn', second);
      await expectVersionsGivenOnce(platform, 'churn');
      const { stages } = await registryOf(platform, 'churn');
      expect(stages).toEqual({ 'churn-v1.0.0': 'Archived', 'churn-v1.1.0': 'Production' });
      expect(await trainingJobs(platform, 'churn-second-')).toEqual([`${second.jobName} Completed`]);

      expect(await platform.store.get(Key.generation('churn', 1))).toEqual(before);
      const served = await servedBy(platform, 'churn');
      expect(served).toMatchObject({ n: 2, previous: 1 });
      await expectArtifactIntact(platform, 'churn', served);
      const audit = await auditOf(platform, 'churn');
      expect(audit).toMatchObject([
        {},
        {
          before: JSON.parse(before.toString()) as Generation,
          after: { generation: served, evidence: { verdict: 'pass' } },
        },
      ]);
    });

    it('was met by its champion on the same held-out rows', async () => {
      const evaluation = await platform.store.getJson<Evaluation>(
        `${Key.version('churn', 'churn-v1.1.0')}evaluation.json`,
      );
      expect(evaluation.champion).toMatchObject({ version: 'churn-v1.0.0' });
    });

    it('answers from now on', async () => {
      const answer = await answerOf<PredictResponse>(
        platform.meridian('predict', 'churn', '--entity', JSON.stringify(entity), '--json'),
      );
      expect(answer.model_version).toBe('churn-v1.1.0');
    });
  });

  it('has captured the predictions as Parquet in S3, each once', async () => {
    const rows = await until(
      'the captured predictions to lie in S3',
      async () => {
        const stored = await storedCaptures(platform.store, 'churn');
        const ours = stored.filter((row) => captured.includes(row['request_id'] as string));
        return ours.length >= captured.length && ours;
      },
      120_000,
    );
    expect(rows.map((row) => String(row['request_id'])).sort()).toEqual(captured);
    const [{ prediction }] = rows as [PlainRow];
    expect(prediction).toBeGreaterThan(0);
    for (const row of rows) expect(row).toMatchObject({ version: 'churn-v1.0.0', prediction, error: null });
  });

  describe('the command meridian', () => {
    it('lists the models and what serves', async () => {
      const models = await answerOf<{ model: string }[]>(platform.meridian('models', '--json'));
      expect(models.find(({ model }) => model === 'churn')).toMatchObject({
        production: 'churn-v1.1.0',
        generation: 2,
        variants: [],
        versions: ['churn-v1.0.0', 'churn-v1.1.0'],
      });
      expect((await platform.meridian('models')).stdout).toMatch(/churn +churn-v1\.1\.0 +2 /);
    });
  });
});

const byStep = ([a]: (number | undefined)[], [b]: (number | undefined)[]): number => a! - b!;
