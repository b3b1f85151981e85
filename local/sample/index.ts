import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DAY_MS, dayToEpochMs, daysEndingWith, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import { limit } from '../../platform/concurrency';
import { identifier, literal, openDatabase, type Database } from '../../platform/duckdb';
import { listPartitionDays } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { CUSTOMERS, macros, ORIGIN } from './customers';
import { EVENT_LABELS, eventMacros, EVENTS } from './events';
import { INCIDENTS, metricMacros, METRICS } from './metrics';
import { RAW_TABLES } from './tables';

export interface SampleOptions {
  seed?: number;
  /** How many customers there are at a time. */
  customers?: number;
  /** How many days of history, ending with `endDate`. */
  days?: number;
  endDate: Day;
}

export interface SampleSummary {
  firstDay: Day;
  lastDay: Day;
  /** Days laid down now, and days that were there already. */
  days: { written: number; kept: number };
  objects: number;
}

interface Table {
  name: string;
  query: string;
  /** Where a day of it lies. */
  partition: (day: Day) => string;
  /** It has no rows on most days, and tells nothing of what is missing. */
  sparse: boolean;
}

const raw = (name: string, query: string, sparse = false): Table => ({
  name,
  query,
  partition: (day) => Key.rawPartition(name, day),
  sparse,
});

const labels = (model: string, query: string, sparse = false): Table => ({
  name: `labels of ${model}`,
  query,
  partition: (day) => Key.labelPartition(model, day),
  sparse,
});

const { 'opt-outs': OPT_OUTS, ...DAILY } = RAW_TABLES;

/** The sparse ones come first: where a day of the others is there, theirs is. */
const TABLES: readonly Table[] = [
  raw('opt-outs', OPT_OUTS!, true),
  labels('anomaly-detector', INCIDENTS, true),
  ...Object.entries({ ...DAILY, events: EVENTS, metrics: METRICS }).map(([name, query]) => raw(name, query)),
  labels('event-classifier', EVENT_LABELS),
];

const LEAST_DAYS = 180;
const UPLOADS_IN_FLIGHT = 16;

const dayNumber = (day: Day): number => (dayToEpochMs(day) - dayToEpochMs(ORIGIN)) / DAY_MS;

/**
 * Lays down a sample of Meridian's raw data, `raw/<table>/dt=YYYY-MM-DD/part-0.parquet`: accounts, usage, billing,
 * support, events, metrics, and opt-outs (on the days that have some); and below `labels/<model>/`, in the same partitions, the
 * labels of the events and (on the days that have some) the incidents in the metrics. Seed, customers and day decide what is in
 * an object; days that are there already are kept, so that a later `endDate` adds days to the same history.
 * @throws MeridianError InvalidInput where the days do not suffice for the models declared here.
 */
export async function layDownSampleData(
  store: ObjectStore,
  { seed = 20_260_101, customers = 6_000, days = 210, endDate }: SampleOptions,
): Promise<SampleSummary> {
  if (days < LEAST_DAYS || dayNumber(endDate) < days) {
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `A sample of ${days} days ending ${endDate}: expected at least ${LEAST_DAYS} days after ${ORIGIN}.`,
    );
  }
  const wanted = daysEndingWith(endDate, days);
  const present = await presentDays(store, wanted);
  const isLaidDown = (day: Day): boolean => present.every(({ sparse, days }) => sparse || days.has(day));
  const missing = wanted.filter((day) => !isLaidDown(day));
  const summary = { firstDay: wanted[0]!, lastDay: endDate };
  const kept = days - missing.length;
  if (missing.length === 0) return { ...summary, days: { written: 0, kept }, objects: 0 };

  const folder = await mkdtemp(join(tmpdir(), 'meridian-sample-'));
  const database = await openDatabase({ memoryLimit: '2GB', temporaryFolder: join(folder, 'spill') });
  try {
    const span = { first: dayNumber(missing[0]!), last: dayNumber(missing.at(-1)!) };
    for (const macro of [...macros(seed), ...eventMacros(), ...metricMacros()]) await database.execute(macro);
    await database.execute(CUSTOMERS, { customers, ...span });
    let objects = 0;
    for (const table of present) {
      // What is there already stays: labels may have been reviewed since.
      const lacking = missing.filter((day) => !table.days.has(day));
      if (lacking.length === 0) continue;
      const name = identifier(`raw ${table.name}`);
      await database.execute(`CREATE TABLE ${name} AS ${table.query} ORDER BY dt`, span);
      const days = table.sparse ? await daysWithRows(database, name, lacking) : lacking;
      objects += await uploadDays(store, database, folder, name, days, table.partition);
      await database.execute(`DROP TABLE ${name}`);
    }
    return { ...summary, days: { written: missing.length, kept }, objects };
  } finally {
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Each table with the days that it has. */
function presentDays(
  store: ObjectStore,
  [first]: readonly Day[],
): Promise<(Table & { days: ReadonlySet<Day> })[]> {
  return Promise.all(
    TABLES.map(async (table) => {
      const prefix = table.partition(first!).replace(/dt=.*/, '');
      return { ...table, days: new Set(await listPartitionDays(store, prefix)) };
    }),
  );
}

async function uploadDays(
  store: ObjectStore,
  database: Database,
  folder: string,
  table: string,
  wanted: readonly Day[],
  partition: (day: Day) => string,
): Promise<number> {
  const limited = limit(UPLOADS_IN_FLIGHT);
  const layDown = async (day: Day): Promise<void> => {
    const key = `${partition(day)}part-0.parquet`;
    const path = join(folder, key);
    await mkdir(dirname(path), { recursive: true });
    await database.execute(
      `COPY (SELECT * EXCLUDE (dt) FROM ${table} WHERE dt = DATE ${literal(day)} ORDER BY ALL)
       TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    await store.upload(path, key);
    await rm(path);
  };
  await Promise.all(wanted.map((day) => limited(() => layDown(day))));
  return wanted.length;
}

async function daysWithRows(database: Database, table: string, days: readonly Day[]): Promise<Day[]> {
  const rows = await database.rows<{ day: Day }>(
    `SELECT DISTINCT strftime(dt, '%Y-%m-%d') AS day FROM ${table}`,
  );
  const found = new Set(rows.map(({ day }) => day));
  return days.filter((day) => found.has(day));
}
