import { statSync } from 'node:fs';
import { publishDeclaration } from '../../client/declarations';
import { anomaliesKey, batchManifestKey, type BatchManifest } from '../../contracts/batch';
import { daysEndingWith } from '../../contracts/days';
import { WorkflowId } from '../../contracts/ids';
import type { PredictResponse, TextPrediction } from '../../contracts/scoring';
import { layDownBaseModel } from '../../local/base-model';
import { models } from '../../models';
import { sha256 } from '../../platform/s3';
import type { MaterializeResult } from '../../workflows/materialize-features';
import type { ScoreBatchResult } from '../../workflows/score-batch';
import { answerOf, startPlatform, type Platform } from './platform';
import {
  expectArtifactIntact,
  expectOneProduction,
  expectVersionsGivenOnce,
  manifestOf,
  servedBy,
  trainingJobs,
} from './record';
import { inStep, released, resultOf, startFromCli, startRetraining, type Released } from './runs';

jest.setTimeout(300_000);

const ANOMALIES = 'anomaly-detector';
const TEXTS = 'event-classifier';

/** Less than is declared, so that each trains in seconds. */
const QUICK: Record<string, Record<string, number>> = {
  churn: {},
  [ANOMALIES]: { epochs: 5 },
  [TEXTS]: { epochs: 3, frozen_layers: 4, max_tokens: 32, learning_rate: 0.0003, head_learning_rate: 0.003 },
};

/** As they are; but of so few texts and epochs no more is asked than that something was learnt. */
const declared = models.map((model) =>
  model.name === TEXTS ? { ...model, gate: { absolute: [{ metric: 'accuracy', min: 0.7 }] } } : model,
);

describe('all models, from raw data on one platform', () => {
  let platform: Platform;
  const runs = new Map<string, string>();
  const results = new Map<string, Released>();

  beforeAll(async () => {
    platform = await startPlatform();
    for (const model of declared) await publishDeclaration(platform.store, model);
    await layDownBaseModel(platform.store);
    // What is scored in batches needs no worker that answers requests; the others wait for one.
    await platform.stack.down(['inference']);
    for (const { name } of models) {
      runs.set(name, await startRetraining(platform, 'first', { model: name, hyperparameters: QUICK[name] }));
    }
  });

  afterAll(() => platform?.close());

  /** The first version of a model, trained by one job, is its only one, and what serves. */
  const expectFirstVersion = async (model: string): Promise<Released> => {
    const result = await released(platform, runs.get(model)!);
    results.set(model, result);
    expect(result).toMatchObject({ version: `${model}-v1.0.0`, verdict: 'pass', generation: 1 });
    expect(await trainingJobs(platform, `${model}-first-`)).toEqual([`${result.jobName} Completed`]);
    await expectOneProduction(platform, model, result);
    await expectVersionsGivenOnce(platform, model);
    await expectArtifactIntact(platform, model, await servedBy(platform, model));
    const { provenance } = await manifestOf(platform, model, result.version);
    expect(provenance).toMatchObject({ workflowId: runs.get(model), snapshot: result.snapshot });
    return result;
  };

  it('releases a model that is scored in batches while nobody answers requests', async () => {
    const { metrics } = await expectFirstVersion(ANOMALIES);
    expect(metrics['falseAlarmRate']).toBeLessThan(0.05);
    expect(metrics['recall']).toBeGreaterThanOrEqual(0.5);
  });

  it('releases the others once somebody does', async () => {
    const online = models.map(({ name }) => name).filter((name) => name !== ANOMALIES);
    for (const name of online) {
      await resultOf(platform, runs.get(name)!);
      await inStep(platform, WorkflowId.rollOut(name, `${name}-v1.0.0`), 'release');
    }
    await platform.stack.up(['inference']);
    for (const name of online) await expectFirstVersion(name);
    expect(results.get('churn')!.metrics['auc']).toBeGreaterThan(0.75);
    expect(results.get(TEXTS)!.metrics['accuracy']).toBeGreaterThan(0.7);
  });

  describe('the anomaly detector', () => {
    const pathsOf = async (): Promise<string[]> =>
      (await platform.store.list(`anomalies/${ANOMALIES}/`)).map(({ key }) => platform.path(key)).sort();
    const writtenAt = async (): Promise<[path: string, time: number][]> =>
      (await pathsOf()).map((path) => [path, statSync(path).mtimeMs]);

    it('scores days by the command, and writes each partition exactly once', async () => {
      const days = daysEndingWith(platform.day, 4);
      const version = `${ANOMALIES}-v1.0.0`;
      const score = (): Promise<ScoreBatchResult & { partitions: BatchManifest[] }> =>
        answerOf(
          platform.meridian('score-batch', ANOMALIES, '--from', days[0]!, '--to', platform.day, '--json'),
        );
      const first = await score();
      expect(first).toMatchObject({ version, days: { written: 4, kept: 0 }, skipped: [], unknownSeries: [] });
      const keys = days.flatMap((day) => [
        anomaliesKey(ANOMALIES, day, version),
        batchManifestKey(ANOMALIES, day, version),
      ]);
      expect(await pathsOf()).toEqual(keys.map((key) => platform.path(key)).sort());
      expect(first.partitions.map(({ day, object }) => [day, object.key])).toEqual(
        days.map((day) => [day, anomaliesKey(ANOMALIES, day, version)]),
      );
      for (const { object } of first.partitions)
        expect(sha256(await platform.store.get(object.key))).toBe(object.sha256);

      const before = await writtenAt();
      expect(await score()).toEqual({ ...first, days: { written: 0, kept: 4 } });
      expect(await writtenAt()).toEqual(before);
      const table = await platform.meridian('score-batch', ANOMALIES, '--to', platform.day);
      expect(table.stdout).toMatch(
        new RegExp(`${platform.day} +1728 +1728 +\\d+ +anomalies/.*0 days written, 1 stood already`, 's'),
      );
    });

    it('answers no single request, and says what does it instead', async () => {
      const refused = await platform.meridian('predict', ANOMALIES, '--features', '{"value": 1}');
      expect(refused).toMatchObject({ status: 1, stdout: '' });
      expect(refused.stderr).toMatch(/expected one that answers single requests.*scoreBatch/s);
    });

    it('is the only one whose days are scored', async () => {
      const refused = await platform.meridian('score-batch', 'churn');
      expect(refused).toMatchObject({ status: 1, stdout: '' });
      expect(refused.stderr).toMatch(/model of kind metric-anomaly, found churn/);
    });
  });

  describe('the event classifier', () => {
    it('tells what a text is about, through the queue and over HTTP', async () => {
      const features = JSON.stringify({ text: 'Hello, please refund the 20.00 that was taken by mistake' });
      for (const way of [[], ['--http']]) {
        const answer = await answerOf<PredictResponse<TextPrediction>>(
          platform.meridian('predict', TEXTS, '--features', features, '--json', ...way),
        );
        expect(answer).toMatchObject({
          model_version: `${TEXTS}-v1.0.0`,
          prediction: { label: 'refund_request' },
        });
      }
    });

    it('learns from a view that is kept offline', async () => {
      const workflowId = `${WorkflowId.materializeFeatures(platform.day)}/${TEXTS}`;
      const input = { date: platform.day, models: [TEXTS] };
      await startFromCli(platform, 'materializeFeatures', workflowId, input);
      const { views } = await resultOf<MaterializeResult>(platform, workflowId);
      expect(views).toMatchObject([{ view: 'event_text', written: 0, watermark: null }]);
      expect(views[0]!.entities).toBeGreaterThan(0);
    });
  });
});
