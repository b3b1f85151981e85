import { mkdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { anomaliesKey, batchManifestKey, type BatchManifest } from '../../contracts/batch';
import { addDays, daysEndingWith, type Day } from '../../contracts/days';
import type { ScoreBatchInput } from '../../contracts/generated/types';
import { WorkflowId } from '../../contracts/ids';
import { TaskQueue } from '../../contracts/task-queues';
import type { PartName } from '../../local/stack/part';
import { createStack, type Stack } from '../../local/stack/stack';
import { loadConfig } from '../../platform/config';
import { createObjectStore, type ObjectStore } from '../../platform/s3';
import { connectClient } from '../../platform/temporal';
import type { ScoreBatchResult } from '../../workflows/score-batch';
import { detailsOf } from '../main-job/runs';
import { until } from '../support/servers';
import { replayAll } from '../support/workflow-environment';
import { dayOf, deliver, deliverDays, release } from './support';

jest.setTimeout(240_000);

const PARTS: PartName[] = ['temporal', 's3', 'redis', 'pipelines', 'data'];
const MODEL = 'anomaly-detector';
const VERSION = 'anomaly-detector-v1.0.0';
const LAST = '2026-03-30';
const DAYS = daysEndingWith(LAST, 16);
const pointsOf = (day: Day) => dayOf('latency', day, 300, (place) => place % 9);

let home: string;
let stack: Stack;
let client: Client;
let store: ObjectStore;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'meridian-batch-'));
  // A process that is killed clears nothing away.
  process.env['TMPDIR'] = join(home, 'tmp');
  mkdirSync(process.env['TMPDIR']);
  stack = createStack({ home, firstPort: 12_000 + Math.floor(Math.random() * 15_000) });
  await stack.up(PARTS);
  const env = stack.env();
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) process.env[name] = env[name];
  const config = loadConfig(env);
  client = await connectClient(config.temporal);
  store = createObjectStore(config.s3);
  await release(store, VERSION);
  await deliverDays(store, 'metrics', new Map(DAYS.map((day) => [day, pointsOf(day)])));
});
afterAll(async () => {
  const [replay] = await Promise.allSettled([client ? replayAll(client) : null]);
  await client?.connection.close();
  store?.close();
  await stack?.down();
  await rm(home, { recursive: true, force: true });
  if (replay?.status === 'rejected') throw replay.reason;
});

async function start(label: string, input: ScoreBatchInput): Promise<string> {
  const workflowId = WorkflowId.scoreBatch(MODEL, label);
  await client.workflow.start('scoreBatch', { workflowId, taskQueue: TaskQueue.pipelines, args: [input] });
  return workflowId;
}

const result = (workflowId: string): Promise<ScoreBatchResult> =>
  client.workflow.getHandle(workflowId).result() as Promise<ScoreBatchResult>;

/** What a workflow ended by, or the activity that it ended by. */
const innermost = (error: Error): Error => (error.cause instanceof Error ? innermost(error.cause) : error);

/** When an object was written, by the disk that it lies on. */
const writtenAt = (key: string): number => statSync(join(home, 'data', 's3', store.bucket, key)).mtimeMs;

const written = async (): Promise<string[]> =>
  (await store.list(`anomalies/${MODEL}/`)).map(({ key }) => key);

describe('scoreBatch', () => {
  it('goes on after its worker was killed: each day once, and nothing that was written is written again', async () => {
    const workflowId = await start('killed', { model: MODEL, from: DAYS[0], date: LAST });
    const before = await until('two scored days', async () => {
      const keys = (await written()).filter((key) => key.endsWith('.json'));
      return keys.length >= 2 && keys;
    });
    expect(await stack.kill('data', 'SIGKILL')).toBe(true);
    const stood = new Map((await written()).map((key) => [key, writtenAt(key)]));
    expect(before.length).toBeLessThan(DAYS.length);
    await stack.up(['data']);

    const scored = await result(workflowId);
    expect(scored).toMatchObject({
      version: VERSION,
      points: DAYS.length * 288,
      scored: DAYS.length * 288 - 3,
      skipped: [],
      unknownSeries: [],
    });
    expect(scored.days.written + scored.days.kept).toBe(DAYS.length);
    const expected = DAYS.flatMap((day) => [
      batchManifestKey(MODEL, day, VERSION),
      anomaliesKey(MODEL, day, VERSION),
    ]);
    expect((await written()).sort()).toEqual(expected.sort());
    for (const [key, time] of stood) expect([key, writtenAt(key)]).toEqual([key, time]);
  });

  it('changes nothing where the same days are asked for again', async () => {
    const before = (await written()).map((key) => [key, writtenAt(key)]);
    const again = await result(await start('again', { model: MODEL, from: DAYS[0], date: LAST }));
    expect(again.days).toEqual({ written: 0, kept: DAYS.length });
    expect((await written()).map((key) => [key, writtenAt(key)])).toEqual(before);
  });

  it('waits for a person where a day is missing, once all others are scored, and goes on from there', async () => {
    const missing = addDays(LAST, 1);
    const next = addDays(LAST, 2);
    await deliver(store, 'metrics', next, pointsOf(next));
    const workflowId = await start('missing', { model: MODEL, from: missing, date: next });
    await until('the run to park', async () =>
      (await detailsOf({ client }, workflowId)).includes('Needs a person'),
    );
    expect(await detailsOf({ client }, workflowId)).toContain(`raw/metrics/dt=${missing}/`);
    expect(await store.head(batchManifestKey(MODEL, next, VERSION))).not.toBeNull();
    await deliver(store, 'metrics', missing, pointsOf(missing));
    await client.workflow
      .getHandle(workflowId)
      .executeUpdate('resolveFailure', { args: [{ action: 'retry', note: 'delivered' }] });
    expect(await result(workflowId)).toMatchObject({ days: { written: 2, kept: 0 }, skipped: [] });
    const manifest = await store.getJson<BatchManifest>(batchManifestKey(MODEL, missing, VERSION));
    expect(manifest).toMatchObject({ points: 288, scored: 288, withoutWindow: 0 });
  });

  it('refuses what it cannot do at once', async () => {
    const failure = async (label: string, input: object) =>
      result(await start(label, input as ScoreBatchInput)).then(() => null, innermost);
    expect(await failure('bad', { model: MODEL, date: '2026-02-30', day: 1 })).toMatchObject({
      type: 'InvalidInput',
      message: expect.stringMatching(/day: expected no such field.*; date: expected a date/),
    });
    expect(await failure('backwards', { model: MODEL, from: LAST, date: DAYS[0] })).toMatchObject({
      type: 'InvalidInput',
      message: expect.stringContaining('from: expected a date no later than'),
    });
    expect(await failure('nobody', { model: 'nobody' })).toMatchObject({ type: 'UnknownModel' });
  });
});
