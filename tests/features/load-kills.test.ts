import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createFeatureActivities, type MaterializeHeartbeat } from '../../activities/features';
import { readWatermark } from '../../activities/features/watermark';
import { endOfDay, type Day } from '../../contracts/days';
import type { MaterializedView } from '../../contracts/features';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { withDatabase } from '../../platform/duckdb';
import { createOnlineStore } from '../../platform/online-store';
import { projectRoot } from '../../platform/project-root';
import { createRedis, type Redis } from '../../platform/redis';
import { createObjectStore, type ObjectStore } from '../../platform/s3';
import { startRedis, type RedisServer } from '../support/redis';
import { startS3, type S3Server } from '../support/servers';
import type { LoadRequest } from './load-process';

const view: FeatureView = {
  name: 'generations',
  version: 2,
  description: 'Three features that hold the same number, so that half a row is seen.',
  owner: 'tests',
  entity: { name: 'account', joinKeys: [{ name: 'account_id', type: 'int64' }] },
  ttlSeconds: 0,
  features: ['first', 'second', 'third'].map((name) => ({ name, type: 'double' as const })),
  sources: [],
  transformation: null,
};
const days = ['2026-03-30', '2026-03-31'] as const;
const ENTITIES = 70_000;

jest.setTimeout(90_000);

let folder: string;
let s3: S3Server;
let server: RedisServer;
let store: ObjectStore;
let redis: Redis;
let s3Options: LoadRequest['s3'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meridian-kills-'));
  [s3, server] = await Promise.all([startS3(folder), startRedis(folder)]);
  Object.assign(process.env, s3.env);
  s3Options = {
    endpoint: s3.env['AWS_ENDPOINT_URL_S3'],
    region: s3.env['AWS_REGION']!,
    bucket: 'meridian-ml-data',
  };
  store = createObjectStore(s3Options);
  await store.ensureBucket();
  for (const [generation, day] of days.entries()) await deliver(day, generation + 1);
});
afterAll(async () => {
  store?.close();
  await Promise.all([s3?.stop(), server?.stop()]);
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  redis = createRedis({ redisUrl: server.url });
  await redis.flushall();
  await store.delete(`${Key.featureView(view)}_watermark.json`);
});
afterEach(() => redis.disconnect());

async function deliver(day: Day, generation: number): Promise<void> {
  const path = join(folder, `${day}.parquet`);
  const features = view.features.map(({ name }) => `${generation}::DOUBLE AS ${name}`).join(', ');
  await withDatabase((database) =>
    database.execute(
      `COPY (SELECT range::BIGINT AS account_id, TIMESTAMPTZ '${endOfDay(day)}' AS event_timestamp,
         TIMESTAMPTZ '${endOfDay(day)}' AS created_timestamp, ${features} FROM range(${ENTITIES}))
       TO '${path}' (FORMAT parquet)`,
    ),
  );
  await store.upload(path, `${Key.featurePartition(view, day)}part-0.parquet`);
}

const inputFor = (asOf: Day) => ({ view, asOf, runKey: `test/${asOf}` });

/** The load as a worker would run it. */
async function loadHere(
  asOf: Day,
  {
    last,
    onHeartbeat,
  }: { last?: MaterializeHeartbeat; onHeartbeat?: (told: MaterializeHeartbeat) => void } = {},
): Promise<MaterializedView> {
  const { materializeView } = createFeatureActivities({ store, redis });
  const environment = new MockActivityEnvironment({ heartbeatDetails: last });
  if (onHeartbeat) environment.on('heartbeat', onHeartbeat);
  return environment.run(materializeView, inputFor(asOf));
}

const firstWriting = (told: readonly MaterializeHeartbeat[]) => told.find(({ phase }) => phase === 'writing');

interface LoadedElsewhere {
  signal: NodeJS.Signals | null;
  heartbeats: MaterializeHeartbeat[];
  result: MaterializedView | undefined;
}

/** The load in a process of its own. */
async function loadElsewhere(asOf: Day, more: Partial<LoadRequest> = {}): Promise<LoadedElsewhere> {
  const program = join(projectRoot(), 'dist', 'tests', 'features', 'load-process.js');
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...s3.env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('exit', (_, signal) => resolve(signal)),
  );
  const request: LoadRequest = { input: inputFor(asOf), redisUrl: server.url, s3: s3Options, ...more };
  child.stdin.end(JSON.stringify(request));
  const [signal, output] = await Promise.all([exit, text(child.stdout)]);
  const lines = output
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { heartbeat?: MaterializeHeartbeat; result?: MaterializedView });
  return {
    signal,
    heartbeats: lines.flatMap(({ heartbeat }) => heartbeat ?? []),
    result: lines.at(-1)?.result,
  };
}

/** Which generation stands for each of some entities; throws where a row is not whole. */
async function generationsOf(ids: readonly number[]): Promise<(number | null)[]> {
  const answers = await createOnlineStore(redis, 'meridian').getOnlineFeaturesOfMany({
    views: [view],
    features: view.features.map(({ name }) => ({ view: view.name, feature: name })),
    entities: ids.map((account_id) => ({ account_id })),
  });
  return answers.map((features) => {
    const { eventTimestamp } = features[0]!;
    const generation =
      eventTimestamp === null
        ? null
        : days.findIndex((day) => BigInt(Date.parse(endOfDay(day))) * 1000n === eventTimestamp) + 1;
    if (features.some(({ value }) => value !== generation))
      throw new Error(
        `Half a row: ${features.map(({ value }) => String(value)).join(', ')} of ${generation}`,
      );
    return generation;
  });
}
const everyone = Array.from({ length: ENTITIES }, (_, id) => id);
const countGenerations = async (): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (let first = 0; first < ENTITIES; first += 5_000)
    for (const generation of await generationsOf(everyone.slice(first, first + 5_000)))
      counts[String(generation)] = (counts[String(generation)] ?? 0) + 1;
  return counts;
};

/** Reads all the time until told to stop; fails where it ever sees half a row. */
function readMeanwhile(): { stop(): Promise<number> } {
  const told = new AbortController();
  const reading = (async () => {
    let reads = 0;
    for (; !told.signal.aborted; reads++)
      await generationsOf(Array.from({ length: 50 }, () => Math.floor(Math.random() * ENTITIES)));
    return reads;
  })();
  reading.catch(() => undefined);
  return {
    stop: () => {
      told.abort();
      return reading;
    },
  };
}

it('a load that is killed leaves whole rows and the watermark as it was, and goes on at its chunk', async () => {
  await loadHere(days[0]);
  const reader = readMeanwhile();
  const killed = await loadElsewhere(days[1], { dieAfterChunk: 2 });
  expect(killed).toMatchObject({ signal: 'SIGKILL', result: undefined });
  expect(await readWatermark(store, view)).toMatchObject({ asOf: days[0] });
  const halfway = await countGenerations();
  expect(halfway['1']).toBeGreaterThan(0);
  expect(halfway['2']).toBeGreaterThan(0);

  const last = killed.heartbeats.at(-1)!;
  const { heartbeats, result } = await loadElsewhere(days[1], { last });
  expect(heartbeats[0]).toEqual({ ...last, phase: 'reading' });
  expect(firstWriting(heartbeats)).toEqual(last);
  // Rows that were in flight when it was killed stand already.
  expect(result).toMatchObject({ entities: ENTITIES, verified: 100, watermark: days[1] });
  expect(result!.written + result!.skipped).toBe(ENTITIES);
  expect(await reader.stop()).toBeGreaterThan(0);
  expect(await countGenerations()).toEqual({ 2: ENTITIES });
});

it('two loads that race leave the newer row of everyone, and the later watermark', async () => {
  const reader = readMeanwhile();
  const results = await Promise.all([loadElsewhere(days[1]), loadElsewhere(days[0]), loadElsewhere(days[1])]);
  for (const { result } of results) expect(result).toMatchObject({ entities: ENTITIES, verified: 100 });
  await reader.stop();
  expect(await countGenerations()).toEqual({ 2: ENTITIES });
  expect(await readWatermark(store, view)).toMatchObject({ asOf: days[1] });
});

it('a load whose Redis is killed stops, and loads again what the server may have lost', async () => {
  let last: MaterializeHeartbeat | undefined;
  let stopped: Promise<void> | undefined;
  const failed = loadHere(days[1], {
    onHeartbeat: (told) => {
      last = told;
      if (told.phase === 'writing' && told.position.chunk === 1) stopped ??= server.stop('SIGKILL');
    },
  });
  await expect(failed).rejects.toMatchObject({ code: 'DependencyUnavailable', retryable: true });
  await stopped;
  expect(await readWatermark(store, view)).toBeNull();

  server = await startRedis(folder, Number(new URL(server.url).port));
  const told: MaterializeHeartbeat[] = [];
  const loaded = await loadHere(days[1], { last, onHeartbeat: (heartbeat) => told.push(heartbeat) });
  // Not from the chunk where it was: the server has forgotten those before.
  expect(firstWriting(told)).toMatchObject({ position: { chunk: 0 } });
  // A call that was in flight may have been sent again once the server was back.
  expect(loaded.written + loaded.skipped).toBe(ENTITIES);
  expect(loaded.watermark).toBe(days[1]);
  expect(await countGenerations()).toEqual({ 2: ENTITIES });
});

it('a load whose object store goes away moves no watermark, and goes on where it was', async () => {
  let last: MaterializeHeartbeat | undefined;
  let stopped: Promise<void> | undefined;
  const failed = loadHere(days[1], {
    onHeartbeat: (told) => {
      last = told;
      if (told.phase === 'writing' && told.position.chunk === 1) stopped ??= s3.stop('SIGKILL');
    },
  });
  await expect(failed).rejects.toMatchObject({ code: 'DependencyUnavailable', retryable: true });
  await stopped;
  await s3.start();
  expect(await readWatermark(store, view)).toBeNull();
  const told: MaterializeHeartbeat[] = [];
  const loaded = await loadHere(days[1], { last, onHeartbeat: (heartbeat) => told.push(heartbeat) });
  expect(loaded).toMatchObject({ entities: ENTITIES, written: ENTITIES, watermark: days[1] });
  expect(firstWriting(told)!.position!.chunk).toBeGreaterThan(0);
});
