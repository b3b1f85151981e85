import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { readWatermark } from '../../activities/features/watermark';
import { addDays, daysBetween, type Day } from '../../contracts/days';
import type { OptOutProof } from '../../contracts/features';
import type { FeatureView } from '../../contracts/model';
import { FEAST_PROJECT, Key } from '../../contracts/ids';
import { dailyCustomerViews as views } from '../../features';
import { literal, withDatabase } from '../../platform/duckdb';
import { createOnlineStore } from '../../platform/online-store';
import type { PartName } from '../../local/stack/part';
import { KnownRows, onlineRows, Reader } from './kill-reader';
import { asSoonAs, startKillStage, type KillStage } from './kill-stage';
import { digestOf, endMicros, newestRows, offlineRows, optedOut, stateOf, type State } from './kill-state';

jest.setTimeout(300_000);

/** Loaded in peace, before anything is killed. */
const BEFORE = '2026-03-21';
/** Ten days later. */
const DAY = '2026-03-31';
/** For the loads that overlap. */
const LATER = [addDays(DAY, 1), addDays(DAY, 2)] as const;
const DAYS = daysBetween(addDays(BEFORE, 1), DAY);
const HALVES = [views.slice(0, 2), views.slice(2)];

/** `MERIDIAN_KILL_SEED=…` repeats the moments of a run that failed. */
const SEED = Number(process.env['MERIDIAN_KILL_SEED'] ?? Date.now() % 1_000_000);
const pause = fc.integer({ min: 0, max: 1_500 });
const [moments] = fc.sample(
  fc.record({
    /** Partitions written when the object store dies, and how many more when the data worker does. */
    partitions: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })),
    /** The view of those loaded last in the midst of which the data worker dies. */
    last: fc.constantFrom(...HALVES.map((half) => half.at(-1)!)),
    /** Whether it dies with the first row of that, or as its watermark moves. */
    phase: fc.constantFrom('writing', 'moved' as const),
    pauses: fc.array(pause, { minLength: 32, maxLength: 32 }),
  }),
  { seed: SEED, numRuns: 1 },
) as [Moments];
interface Moments {
  partitions: [number, number];
  last: FeatureView;
  phase: 'writing' | 'moved';
  pauses: number[];
}

let stage: KillStage;
beforeAll(async () => {
  stage = await startKillStage({ customers: 300, endDate: LATER[1] });
});
afterAll(() => stage?.close());

const lateOptOuts = `${Key.rawPartition('opt-outs', DAY)}part-late.parquet`;
const corrected = `${Key.rawPartition('billing', addDays(BEFORE, -1))}part-0.parquet`;

/** Features up to a day, and then a correction of the past and requests to be left out. @returns who asks */
async function prepare(label: string): Promise<string[]> {
  const first = await stage.start(`${label}/before`, { date: BEFORE, from: addDays(BEFORE, -3) });
  await stage.result(first);
  const invoices = await stage.store.get(`${Key.rawPartition('billing', addDays(BEFORE, -2))}part-0.parquet`);
  await stage.store.put(corrected, invoices);
  const newest = [...(await newestRows(stage, views[0]!, BEFORE)).keys()];
  const path = join(tmpdir(), 'opt-outs.parquet');
  const leaving = newest.filter((_, index) => index % 20 === 7);
  await withDatabase((database) =>
    database.execute(
      `COPY (SELECT unnest([${leaving.map(literal).join(', ')}]) AS customer_id) TO ${literal(path)} (FORMAT parquet)`,
    ),
  );
  await stage.store.upload(path, lateOptOuts);
  return leaving;
}

/** As if nothing had ever been computed. */
async function forgetAll(invoices: Buffer): Promise<void> {
  const objects = [...(await stage.store.list('features/')), ...(await stage.store.list('reports/'))];
  for (const { key } of objects) await stage.store.delete(key);
  await stage.store.delete(lateOptOuts);
  await stage.store.put(corrected, invoices);
  await stage.redis.flushall();
}

/** A run for each half of the views, both at once. */
const startHalves = (label: string): Promise<string[]> =>
  Promise.all(
    HALVES.map((half, index) =>
      stage.start(`${label}/${index}`, { from: DAYS[0], date: DAY, views: half.map(({ name }) => name) }),
    ),
  );

const everybody = async (): Promise<string[]> =>
  [...new Set((await offlineRows(stage, views[0]!)).map(({ customer }) => customer))].sort();

/** Of every customer the newest row of the offline store is online, and nothing of who asked to be left out. */
async function expectNewestOnline(view: FeatureView, day: Day): Promise<void> {
  const out = await optedOut(stage);
  const customers = [...new Set([...(await everybody()), ...out])];
  const expected = await newestRows(stage, view, day);
  expect(expected.size).toBeGreaterThan(200);
  const online = await onlineRows(stage, [view], customers);
  const standing = await createOnlineStore(stage.redis, FEAST_PROJECT).standingRows(
    view,
    customers.map((customer_id) => ({ customer_id })),
  );
  const found = customers.map((customer, at) => ({ customer, row: online[at]![0], standing: standing[at] }));
  expect(found).toEqual(
    customers.map((customer) => {
      if (out.includes(customer)) return { customer, row: null, standing: 'opted-out' };
      const row = expected.get(customer);
      if (!row) return { customer, row: null, standing: null };
      const { event, created, values } = row;
      return { customer, row: { event, values }, standing: { event, created } };
    }),
  );
}

/** Everything is where it belongs, and each run has proved that whoever asked to be left out is out. */
async function expectRight(runs: readonly string[]): Promise<State> {
  for (const view of views) await expectNewestOnline(view, DAY);
  const out = await optedOut(stage);
  for (const run of runs) {
    const reports = await stage.store.list(`reports/opt-outs/${run}/`);
    expect(reports).toHaveLength(1);
    const proof = await stage.store.getJson<OptOutProof>(reports[0]!.key);
    expect(proof).toMatchObject({
      entities: out.length,
      verified: out.length,
      digest: digestOf(out),
      views: views.map(({ name }) => name).sort(),
    });
  }
  return stateOf(stage, views);
}

const holds = async (view: FeatureView, customers: readonly string[], day: Day): Promise<boolean> =>
  (await onlineRows(stage, [view], customers)).some(([row]) => row?.event === endMicros(day));

describe(`materializing features (MERIDIAN_KILL_SEED=${SEED})`, () => {
  it('leaves both stores as if nobody had been killed', async () => {
    const invoices = await stage.store.get(corrected);
    const known = new KnownRows();
    const remember = async (): Promise<void> => {
      for (const view of views) known.add(view, await offlineRows(stage, view));
    };
    await prepare('in-peace');
    await remember();
    const inPeace = await startHalves('in-peace');
    const results = await Promise.all(inPeace.map((run) => stage.result(run)));
    await remember();
    const expected = await expectRight(inPeace);
    expect(Object.keys(expected.partitions)).toHaveLength(views.length * (DAYS.length + 4));
    expect(Object.keys(expected.reports)).toHaveLength(views.length * (DAYS.length + 4));
    const customers = await everybody();
    await forgetAll(invoices);

    const leaving = await prepare('killed');
    const reader = new Reader(stage, views, customers, known);
    const runs = await startHalves('killed');
    const killed = killEverything(moments, { customers, leaving });
    const told = await killed
      .then(() => Promise.all(runs.map((run) => stage.result(run))))
      .finally(() => void reader.stop());
    expect(await reader.stop()).toBeGreaterThan(0);
    expect(await expectRight(runs)).toEqual(expected);
    expect(
      told.flatMap((one) => one.views.map(({ view, watermark, missing }) => ({ view, watermark, missing }))),
    ).toEqual(results.flatMap((one) => one.views.map(({ view }) => ({ view, watermark: DAY, missing: [] }))));
  });

  it('never leaves an older row where the slower of two loads is the older', async () => {
    let overtaken: Overtaken = { inTime: false, written: 0 };
    for (const view of views) if (!overtaken.inTime) overtaken = await overtake(view);
    expect(overtaken).toEqual({ inTime: true, written: 0 });
  });
});

/** Partitions of the days that are there. */
const partitionsWritten = (): number =>
  views
    .flatMap((view) => DAYS.map((day) => stage.path(`${Key.featurePartition(view, day)}part-0.parquet`)))
    .filter(existsSync).length;

/** One moment after the other: each comes once what was killed before goes on. */
async function killEverything(
  { partitions, last, phase, pauses }: Moments,
  { customers, leaving }: { customers: string[]; leaving: string[] },
): Promise<void> {
  let next = 0;
  const rest = (): Promise<void> => sleep(pauses[next++]);
  const die = async (part: PartName): Promise<void> => {
    await stage.kill(part);
    await rest();
    await stage.up(part);
  };
  /** Temporal takes 20 s to miss a data worker: meanwhile others die, and its successor. */
  const workersDie = async (): Promise<void> => {
    await stage.kill('data');
    await rest();
    await stage.kill('pipelines');
    await rest();
    await stage.up('data', 'pipelines');
    await rest();
    await die('data');
  };
  const online = createOnlineStore(stage.redis, FEAST_PROJECT);
  const entities = leaving.map((customer_id) => ({ customer_id }));

  await asSoonAs('somebody to be taken out', async () =>
    (await online.standingRows(views[0]!, entities)).includes('opted-out'),
  );
  await workersDie();
  await asSoonAs('the first partitions', () => partitionsWritten() >= partitions[0]);
  await die('s3');
  await asSoonAs('more partitions', () => partitionsWritten() >= partitions[0] + partitions[1]);
  await workersDie();
  await asSoonAs('a row to be loaded', async () =>
    (await Promise.all(views.map((view) => holds(view, customers, DAY)))).includes(true),
  );
  await die('redis');
  await die('pipelines');
  await asSoonAs(`${last.name} to be loaded`, async () =>
    phase === 'writing'
      ? holds(last, customers, DAY)
      : (await readWatermark(stage.store, last))?.asOf === DAY,
  );
  await workersDie();
}

interface Overtaken {
  /** Whether the older load was frozen before its first row. */
  inTime: boolean;
  /** Rows that it wrote. */
  written: number;
}

/** An older load, frozen before its first row where that succeeds, goes on when a newer one has ended. */
async function overtake(view: FeatureView): Promise<Overtaken> {
  const [day, nextDay] = LATER;
  const customers = await everybody();
  await stage.kill('data');
  const slow = await stage.startSecondDataWorker();
  try {
    const older = await stage.start(`older/${view.name}`, { date: day, views: [view.name] });
    await asSoonAs('the older load', () => stage.isAtWork(older, 'materializeView'));
    slow.freeze();
    const inTime = !(await holds(view, customers, day));
    await stage.up('data');
    const newer = await stage.start(`newer/${view.name}`, { date: nextDay, views: [view.name] });
    await stage.result(newer);
    await expectNewestOnline(view, nextDay);
    slow.thaw();
    const { views: loaded } = await stage.result(older);
    await expectNewestOnline(view, nextDay);
    expect(await readWatermark(stage.store, view)).toMatchObject({ asOf: nextDay });
    expect(loaded).toMatchObject([{ view: view.name }]);
    return { inTime, written: loaded[0]!.written };
  } finally {
    await slow.stop();
    await stage.up('data');
  }
}
