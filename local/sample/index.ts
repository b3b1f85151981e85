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

/** Each table with where a day of it lies. */
const TABLES: readonly { name: string; query: string; partition: (day: Day) => string }[] = [
  ...Object.entries({ ...RAW_TABLES, events: EVENTS }).map(([name, query]) => ({
    name,
    query,
    partition: (day: Day) => Key.rawPartition(name, day),
  })),
  {
    name: 'event labels',
    query: EVENT_LABELS,
    partition: (day) => Key.labelPartition('event-classifier', day),
  },
];

/** Tables that have no rows on most days; laid down before the others, which tell what is missing. */
const SPARSE = ['opt-outs'];

const LEAST_DAYS = 180;
const UPLOADS_IN_FLIGHT = 16;

const dayNumber = (day: Day): number => (dayToEpochMs(day) - dayToEpochMs(ORIGIN)) / DAY_MS;

/**
 * Lays down a sample of Meridian's raw data, `raw/<table>/dt=YYYY-MM-DD/part-0.parquet`: accounts, usage, billing,
 * support, events, and opt-outs (on the days that have some); and the labels of the events,
 * `labels/event-classifier/dt=YYYY-MM-DD/part-0.parquet`. Seed, customers and day decide what is in an object; days that are
 * there already are kept, so that a later `endDate` adds days to the same history.
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
  const missing = wanted.filter((day) => [...present.values()].some((days) => !days.has(day)));
  const summary = { firstDay: wanted[0]!, lastDay: endDate };
  const kept = days - missing.length;
  if (missing.length === 0) return { ...summary, days: { written: 0, kept }, objects: 0 };

  const folder = await mkdtemp(join(tmpdir(), 'meridian-sample-'));
  const database = await openDatabase({ memoryLimit: '2GB', temporaryFolder: join(folder, 'spill') });
  try {
    const span = { first: dayNumber(missing[0]!), last: dayNumber(missing.at(-1)!) };
    for (const macro of [...macros(seed), ...eventMacros()]) await database.execute(macro);
    await database.execute(CUSTOMERS, { customers, ...span });
    let objects = 0;
    for (const table of TABLES) {
      const name = identifier(`raw ${table.name}`);
      await database.execute(`CREATE TABLE ${name} AS ${table.query} ORDER BY dt`, span);
      // What is there already stays: labels may have been reviewed since.
      const lacking = missing.filter((day) => !present.get(table.name)?.has(day));
      const days = SPARSE.includes(table.name) ? await daysWithRows(database, name, lacking) : lacking;
      objects += await uploadDays(store, database, folder, name, days, table.partition);
      await database.execute(`DROP TABLE ${name}`);
    }
    return { ...summary, days: { written: missing.length, kept }, objects };
  } finally {
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The days that each table has, but for sparse ones. */
async function presentDays(store: ObjectStore, [first]: readonly Day[]): Promise<Map<string, Set<Day>>> {
  const tables = TABLES.filter(({ name }) => !SPARSE.includes(name));
  const days = await Promise.all(
    tables.map(({ partition }) => listPartitionDays(store, partition(first!).replace(/dt=.*/, ''))),
  );
  return new Map(tables.map(({ name }, index) => [name, new Set(days[index])]));
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
