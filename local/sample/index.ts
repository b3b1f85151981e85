import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { dayToEpochMs, daysEndingWith, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import { limit } from '../../platform/concurrency';
import { identifier, literal, openDatabase, type Database } from '../../platform/duckdb';
import { listPartitionDays } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { CUSTOMERS, macros, ORIGIN } from './customers';
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

const LEAST_DAYS = 180;
const UPLOADS_IN_FLIGHT = 16;

const dayNumber = (day: Day): number => (dayToEpochMs(day) - dayToEpochMs(ORIGIN)) / 86_400_000;

/**
 * Lays down a sample of Meridian's raw data, `raw/<table>/dt=YYYY-MM-DD/part-0.parquet`: accounts, usage, billing,
 * support, and opt-outs (on the days that have some). Seed, customers and day decide what is in an object; days that are
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
  const missing = await missingDays(store, wanted);
  const summary = { firstDay: wanted[0]!, lastDay: endDate };
  const kept = days - missing.length;
  if (missing.length === 0) return { ...summary, days: { written: 0, kept }, objects: 0 };

  const folder = await mkdtemp(join(tmpdir(), 'meridian-sample-'));
  const database = await openDatabase({ memoryLimit: '2GB', temporaryFolder: join(folder, 'spill') });
  try {
    const span = { first: dayNumber(missing[0]!), last: dayNumber(missing.at(-1)!) };
    for (const macro of macros(seed)) await database.execute(macro);
    await database.execute(CUSTOMERS, { customers, ...span });
    let objects = 0;
    for (const [table, query] of Object.entries(RAW_TABLES)) {
      await database.execute(`CREATE TABLE ${identifier(`raw ${table}`)} AS ${query} ORDER BY dt`, span);
      objects += await uploadTable(store, database, folder, table, missing);
    }
    return { ...summary, days: { written: missing.length, kept }, objects };
  } finally {
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The wanted days on which a table lacks its partition. Opt-outs, which have none on most days, are laid down first. */
async function missingDays(store: ObjectStore, wanted: readonly Day[]): Promise<Day[]> {
  const tables = Object.keys(RAW_TABLES).filter((table) => table !== 'opt-outs');
  const present = await Promise.all(
    tables.map(async (table) => new Set(await listPartitionDays(store, `raw/${table}/`))),
  );
  return wanted.filter((day) => present.some((daysOfTable) => !daysOfTable.has(day)));
}

async function uploadTable(
  store: ObjectStore,
  database: Database,
  folder: string,
  table: string,
  missing: readonly Day[],
): Promise<number> {
  const name = identifier(`raw ${table}`);
  const wanted = table === 'opt-outs' ? await daysWithRows(database, name, missing) : missing;
  const limited = limit(UPLOADS_IN_FLIGHT);
  const layDown = async (day: Day): Promise<void> => {
    const key = `${Key.rawPartition(table, day)}part-0.parquet`;
    const path = join(folder, key);
    await mkdir(dirname(path), { recursive: true });
    await database.execute(
      `COPY (SELECT * EXCLUDE (dt) FROM ${name} WHERE dt = DATE ${literal(day)} ORDER BY ALL)
       TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    await store.upload(path, key);
    await rm(path);
  };
  await Promise.all(wanted.map((day) => limited(() => layDown(day))));
  await database.execute(`DROP TABLE ${name}`);
  return wanted.length;
}

async function daysWithRows(database: Database, table: string, days: readonly Day[]): Promise<Day[]> {
  const rows = await database.rows<{ day: Day }>(
    `SELECT DISTINCT strftime(dt, '%Y-%m-%d') AS day FROM ${table}`,
  );
  const found = new Set(rows.map(({ day }) => day));
  return days.filter((day) => found.has(day));
}
