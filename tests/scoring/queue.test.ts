import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { createScoringClient, type ScoringClient } from '../../client/scoring';
import { shardOf } from '../../client/scoring/shards';
import { WorkflowId } from '../../contracts/ids';
import type { PredictOutcome, PredictRow, ScoreBatchResult } from '../../contracts/scoring';
import { createRig, declarationOf, releaseFirst, replayAll, type Rig, type Running } from './rig';

jest.setTimeout(120_000);

const MODEL = 'renewal';
const good = { tenure: 12, auto_renew: true, plan: 'plus' };

interface HttpAnswer {
  prediction?: number;
  error?: { code: string; fields: { field: string }[] };
}

describe('predictions through the task queue', () => {
  let rig: Rig;
  let worker: Running;
  let scoring: ScoringClient;

  beforeAll(async () => {
    rig = await createRig();
    await releaseFirst(rig.store, declarationOf(MODEL));
    worker = await rig.start('inference');
    scoring = createScoringClient({ client: rig.client });
  });

  afterAll(async () => {
    const replayed = await replayAll(rig.client);
    await rig.close();
    expect(replayed).toBeGreaterThan(0);
  });

  const overHttp = async (body: unknown): Promise<HttpAnswer> => {
    const response = await fetch(`${worker.url}/v1/predict/${MODEL}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return (await response.json()) as HttpAnswer;
  };

  /** As a caller without this client would. */
  const update = (rows: unknown[], shard = 0): Promise<ScoreBatchResult> =>
    rig.client.workflow.executeUpdateWithStart('predict', {
      args: [{ rows }],
      startWorkflowOperation: new WithStartWorkflowOperation('scorer', {
        workflowId: WorkflowId.scorer(MODEL, shard),
        taskQueue: 'scoring',
        args: [{ model: MODEL, shard }],
        workflowIdConflictPolicy: 'USE_EXISTING',
      }),
    });

  const codeOf = (outcome: PredictOutcome | undefined) => (outcome!.ok ? 'answered' : outcome!.error.code);

  it('answers more rows than fit an update, each in its place', async () => {
    const { rows, tolerance } = rig.golden;
    const subjects = Array.from({ length: 700 }, (_, index) => rows[index % rows.length]!.features);
    subjects[333] = { ...good, tenure: 'long' };
    const outcomes = await scoring.predictMany(MODEL, subjects, { timeoutMs: 60_000 });
    expect(outcomes).toHaveLength(700);
    const off = outcomes.map((outcome, index) =>
      outcome.ok ? Math.abs((outcome.prediction as number) - rows[index % rows.length]!.expected) : Infinity,
    );
    expect(off.flatMap((by, index) => (by <= tolerance ? [] : [index]))).toEqual([333]);
    expect(codeOf(outcomes[333])).toBe('InvalidFeatures');
  });

  it('asks for an explanation where one is wanted, and is refused as HTTP is where the model has none', async () => {
    const response = await fetch(`${worker.url}/v1/predict/${MODEL}?explain=true`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ features: good }),
    });
    const { error } = (await response.json()) as { error: { code: string } };
    await expect(scoring.predict(MODEL, good, { explain: true })).rejects.toMatchObject({ code: error.code });
    const [outcome] = await scoring.predictMany(MODEL, [good], { explain: true });
    expect(codeOf(outcome)).toBe(error.code);
  });

  it('answers a request ID alike from any client, through whatever else is under way', async () => {
    const other = createScoringClient({ client: rig.client });
    const ids = Array.from({ length: 40 }, () => randomUUID());
    const ask = (client: ScoringClient) =>
      Promise.all(ids.map((requestId) => client.predict(MODEL, good, { requestId, timeoutMs: 60_000 })));
    const noise = scoring.predictMany(
      MODEL,
      Array.from({ length: 300 }, () => good),
      { timeoutMs: 60_000 },
    );
    const [first, second] = await Promise.all([ask(scoring), ask(other)]);
    expect(second).toEqual(first);
    await noise;
    expect(await ask(other)).toEqual(first);
  });

  it('answers many alike again under one request ID', async () => {
    const subjects = Array.from({ length: 20 }, (_, tenure) => ({ ...good, tenure }));
    const options = { requestId: randomUUID(), timeoutMs: 60_000 };
    const first = await scoring.predictMany(MODEL, subjects, options);
    expect(await scoring.predictMany(MODEL, subjects, options)).toEqual(first);
  });

  it('refuses a request ID that stands for another request', async () => {
    const requestId = randomUUID();
    await scoring.predict(MODEL, good, { requestId });
    await expect(scoring.predict(MODEL, { ...good, tenure: 13 }, { requestId })).rejects.toMatchObject({
      code: 'Conflict',
      fields: [{ field: 'requestId' }],
    });
  });

  it('answers twice the same, and only the first of two, where a batch names a request ID twice', async () => {
    const requestId = randomUUID();
    const rows: PredictRow[] = [
      { requestId, features: good },
      { requestId, features: good },
      { requestId, features: { ...good, tenure: 13 } },
    ];
    const { outcomes } = await update(rows, shardOf(requestId, 4));
    expect(outcomes.map(codeOf)).toEqual(['answered', 'answered', 'Conflict']);
    expect(outcomes[1]).toEqual(outcomes[0]);
    const { latency_ms, ...again } = await scoring.predict(MODEL, good, { requestId });
    expect(outcomes[0]).toEqual({ ok: true, latency_ms, ...again });
  });

  it.each<[string, unknown]>([
    ['__proto__ as a feature', JSON.parse('{"__proto__": 1}')],
    ['a value in a list', { ...good, tenure: [12] }],
    ['an object as a value', { ...good, tenure: { a: 1 } }],
    ['a lone surrogate as the name of a feature', { ...good, '\ud800': 1 }],
    ['a feature too many', { ...good, colour: 'red' }],
    ['text where a number belongs', { ...good, tenure: 'long' }],
    ['no features at all', {}],
  ])('refuses %s as HTTP does, by code and field', async (_name, features) => {
    const { error } = await overHttp({ features });
    const [refused] = await scoring.predictMany(MODEL, [features as Record<string, unknown>]);
    expect(codeOf(refused)).toBe(error!.code);
    expect(refused!.ok ? [] : refused!.error.fields.map(({ field }) => field)).toEqual(
      error!.fields.map(({ field }) => field),
    );
  });

  it('takes a lone surrogate as a category for what it is: as HTTP does', async () => {
    const features = { ...good, plan: '\ud800' };
    const { prediction, error } = await overHttp({ features });
    const [queue] = await scoring.predictMany(MODEL, [features]);
    expect(queue!.ok ? { prediction: queue!.prediction } : { code: queue!.error.code }).toEqual(
      error ? { code: error.code } : { prediction },
    );
  });

  it('refuses 10 MB in a row, NaN and deep nesting before they travel', async () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    const wrong = [{ text: 'x'.repeat(10_000_000) }, { ...good, tenure: NaN }, { ...good, tenure: deep }];
    const outcomes = await scoring.predictMany(MODEL, [...wrong, good]);
    expect(outcomes.map(codeOf)).toEqual(['BodyTooLarge', 'InvalidFeatures', 'InvalidFeatures', 'answered']);
  });

  it.each([0, -1, 1.5, NaN, 600_001, '100'])('refuses %p as a time to wait', async (timeoutMs) => {
    await expect(scoring.predict(MODEL, good, { timeoutMs: timeoutMs as number })).rejects.toMatchObject({
      code: 'InvalidInput',
      fields: [{ field: 'timeoutMs' }],
    });
  });

  it('keeps a scorer going whatever another caller sends it', async () => {
    const nested = (levels: number): unknown =>
      JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`) as unknown;
    const rows = [1, 2000].map((levels) => ({
      requestId: randomUUID(),
      features: { ...good, tenure: nested(levels) },
    }));
    const { outcomes } = await update(rows);
    expect(outcomes.map(codeOf)).toEqual(['InvalidFeatures', 'InvalidFeatures']);
    const tooLarge = { requestId: randomUUID(), features: { text: 'x'.repeat(1_900_000) } };
    const tooDeep = { requestId: randomUUID(), features: { tenure: nested(3000), plan: nested(3000) } };
    await expect(update([tooLarge])).rejects.toMatchObject({ cause: { type: 'BodyTooLarge' } });
    expect((await update([tooDeep])).outcomes.map(codeOf)).toEqual(['InvalidFeatures']);
    for (const wrong of [[], [{}], [{ requestId: '' }], [{ requestId: 'r', features: good, colour: 1 }]])
      await expect(update(wrong)).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
    expect((await update([{ requestId: randomUUID(), features: good }])).outcomes.map(codeOf)).toEqual([
      'answered',
    ]);
  });

  it('says that it was too late', async () => {
    const lost = createScoringClient({ client: rig.client });
    await expect(lost.predict(MODEL, good, { timeoutMs: 1 })).rejects.toMatchObject({
      code: 'DeadlineExceeded',
      retryable: true,
    });
  });
});
