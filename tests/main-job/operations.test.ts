import { existsSync } from 'node:fs';
import { addDays } from '../../contracts/days';
import type { FieldProblem } from '../../contracts/errors';
import type { PredictResponse } from '../../contracts/scoring';
import { publishDeclaration } from '../../client/declarations';
import { anEntity } from '../../local/main-job/predictions';
import type { PartStatus } from '../../local/stack/stack';
import { importTable } from '../../local/table';
import { nextTimes } from '../../schedules';
import type { MaterializeResult } from '../../workflows/materialize-features';
import { realFile } from '../support/real-data';
import { answerOf, startPlatform, type Platform } from './platform';
import { expectArtifactIntact, expectOneProduction, servedBy } from './record';
import { activitiesOf, released, resultOf, startFromCli } from './runs';

jest.setTimeout(300_000);

const TELCO = realFile('telco-churn.csv');
const onTelco = existsSync(TELCO) ? it : it.skip;

describe('what people do with the platform', () => {
  let platform: Platform;

  beforeAll(async () => {
    platform = await startPlatform();
  });

  afterAll(() => platform?.close());

  describe('the schedules', () => {
    it('are applied, and then there is nothing left to plan', async () => {
      const applied = await answerOf<{ id: string; change: string }[]>(
        platform.meridian('schedules', 'apply', '--json'),
      );
      expect(applied.map(({ change }) => change)).toEqual(applied.map(() => 'create'));
      // What a person does to a schedule is no drift; and nothing here may start while the tests run.
      for (const { id } of applied) await platform.client.schedule.getHandle(id).pause();
      const planned = await answerOf<{ id: string; change: string }[]>(
        platform.meridian('schedules', 'plan', '--json'),
      );
      expect(planned).toEqual(applied.map(({ id }) => ({ id, change: 'none', differences: [] })));
    });

    it('retrain churn on the 1st at 05:00 Pacific, and load features each day at 04:00, across both clock changes', async () => {
      const [from, to] = [new Date('2026-10-15T12:00:00Z'), new Date('2027-04-15T12:00:00Z')];
      const retrainings = await nextTimes(platform.client, 'retrain-churn', from, to);
      expect(retrainings.map(inPacificTime)).toEqual(
        ['2026-11', '2026-12', '2027-01', '2027-02', '2027-03', '2027-04'].map((m) => `${m}-01 05:00`),
      );
      const loads = await nextTimes(platform.client, 'materialize-features', from, to);
      expect(loads.map(inPacificTime)).toEqual(loads.map((_, i) => `${addDays('2026-10-16', i)} 04:00`));
      expect(loads).toHaveLength(182);
    });
  });

  it('ends a run whose input does not fit at once, and names each field', async () => {
    const input = { model: 'Churn!', labl: 'x', asOf: 'yesterday', rollOutSteps: [{ weight: 2 }] };
    await startFromCli(platform, 'retrainModel', 'retrain/bad-input', input);
    const handle = platform.client.workflow.getHandle('retrain/bad-input');
    const failure = await handle.result().then(
      () => undefined,
      (error: Error) => error.cause as Error & { type: string; nonRetryable: boolean; details: unknown[] },
    );
    expect(failure).toMatchObject({ type: 'InvalidInput', nonRetryable: true });
    const [fields] = failure!.details as [FieldProblem[]];
    expect(fields.map(({ field }) => field).sort()).toEqual([
      'asOf',
      'labl',
      'model',
      'rollOutSteps.0.minDurationSeconds',
      'rollOutSteps.0.minPredictions',
      'rollOutSteps.0.weight',
    ]);
    for (const { field } of fields) expect(failure!.message).toContain(field);
    expect(await activitiesOf(platform, 'retrain/bad-input')).toEqual({});
  });

  onTelco(`makes a model of a person's table (${TELCO}; skipped where there is no such file)`, async () => {
    const { stack, store, day } = platform;
    const workers = async () => (await stack.status()).map(({ name, pid }) => `${name} ${pid}`);
    const before = await workers();
    const request = { file: TELCO, entity: 'customerID', label: 'Churn', day };
    const { declaration } = await importTable(store, request);
    await publishDeclaration(store, declaration);
    const load = `materialize-features/${day}/telco-churn`;
    await startFromCli(platform, 'materializeFeatures', load, { date: day, models: ['telco-churn'] });
    await resultOf<MaterializeResult>(platform, load);
    await startFromCli(platform, 'retrainModel', 'retrain/telco-churn/first', {
      model: 'telco-churn',
      asOf: day,
    });

    const result = await released(platform, 'retrain/telco-churn/first');
    expect(result).toMatchObject({ version: 'telco-churn-v1.0.0', verdict: 'pass', generation: 1 });
    expect(result.metrics['auc']).toBeGreaterThanOrEqual(0.82);
    await expectOneProduction(platform, 'telco-churn', result);
    await expectArtifactIntact(platform, 'telco-churn', await servedBy(platform, 'telco-churn'));

    const customer = JSON.stringify(await anEntity(store, declaration, day));
    const [queue, http] = [
      await answerOf<PredictResponse>(
        platform.meridian('predict', 'telco-churn', '--entity', customer, '--json'),
      ),
      await answerOf<PredictResponse>(
        platform.meridian('predict', 'telco-churn', '--entity', customer, '--http', '--json'),
      ),
    ];
    expect(queue).toMatchObject({ model_version: 'telco-churn-v1.0.0' });
    expect(http.prediction).toBe(queue.prediction);
    expect(await workers()).toEqual(before);
  });

  describe('the command meridian', () => {
    it('says how each part stands', async () => {
      const parts = await answerOf<PartStatus[]>(platform.meridian('local', 'status', '--json'));
      expect(parts.map(({ state }) => state)).toEqual(parts.map(() => 'serving'));
    });

    it('helps, and says what was wrong with a call', async () => {
      expect((await platform.meridian('--help')).stdout).toMatch(
        /local.*retrain.*resolve.*predict.*models.*schedules/s,
      );
      const unknown = await platform.meridian('predict', 'chrun', '--entity', '{"customer_id": "C000001"}');
      expect(unknown).toMatchObject({ status: 1, stdout: '' });
      expect(unknown.stderr).toMatch(/meridian: .*chrun/);
    });
  });
});

/** `2026-11-01 05:00`, by another way than the server's. */
const inPacificTime = (iso: string): string =>
  new Date(iso).toLocaleString('sv-SE', { timeZone: 'America/Los_Angeles' }).slice(0, 16);
