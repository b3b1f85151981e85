import { link, mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { daysEndingWith, type Day } from '../../contracts/days';
import type { FeatureView } from '../../contracts/model';
import { limit } from '../../platform/concurrency';
import { literal, parquetFiles, withDatabase } from '../../platform/duckdb';
import type { Sizes } from './sizes';

const LAST_DAY: Day = '2026-10-31';
const NEXT_DAY: Day = '2026-11-01';
const FEATURES = 30;
/** Entities that have a row on a day, of a thousand: ten days of 100,000 entities are 926,000 rows. */
const PRESENT_PER_MILLE = 926;
/** Rows that are corrected later (same event time, newer created time), of a thousand. */
const CORRECTED_PER_MILLE = 50;
/** Entities of the frame that have no history, of a thousand. */
const UNKNOWN_PER_MILLE = 20;
const WARM_UP_ENTITIES = 1000;
const JOIN_TTL_SECONDS = 3 * 86_400;

export const JOIN_KEY = 'customer_id';
export const FEATURE_NAMES = Array.from({ length: FEATURES }, (_, index) => `f${index}`);

/** A folder of daily partitions, as both sides read it. */
export interface OfflineTable {
  folder: string;
  files: string[];
  rows: number;
}

export interface BenchmarkData {
  /** What is materialized. */
  table: OfflineTable;
  /** The same with one day more, on which every entity has a newer row. */
  newer: OfflineTable;
  /** The same with corrections: what is joined with. */
  corrected: OfflineTable;
  /** The same entities with ever longer histories. */
  histories: OfflineTable[];
  /** A small table, to warm a process with. */
  warmUp: OfflineTable;
  /** Parquet of frame_row (its number), the join key and event_timestamp. */
  frame: string;
  from: Day;
  to: Day;
}

/** The view; no row is too old where `ttlSeconds` is 0. */
const benchmarkView = (name: string, ttlSeconds = 0): FeatureView => ({
  name,
  version: 1,
  description: 'Thirty numbers a customer and day.',
  owner: 'benchmark',
  entity: { name: 'customer', joinKeys: [{ name: JOIN_KEY, type: 'string' }] },
  ttlSeconds,
  features: FEATURE_NAMES.map((feature) => ({ name: feature, type: 'double' })),
  sources: [],
  transformation: null,
});

export const materializedView = benchmarkView('customer_numbers');
export const joinedView = benchmarkView('customer_numbers', JOIN_TTL_SECONDS);
export const warmUpView = benchmarkView('warm_up');

/** Makes the same data on every machine: every value follows from the numbers of its entity, day and column. */
export async function makeData(folder: string, sizes: Sizes): Promise<BenchmarkData> {
  const pool = join(folder, 'pool');
  await mkdir(pool);
  const days = daysEndingWith(LAST_DAY, Math.max(...sizes.histories, sizes.days));
  const recent = days.slice(-sizes.days);
  const plain = await inParallel(days, (day) =>
    makePartition(join(pool, `plain-${day}.parquet`), rowsOf(day, sizes.entities, PRESENT_PER_MILLE)),
  );
  const corrections = await inParallel(recent, (day, index) =>
    makePartition(join(pool, `corrections-${day}.parquet`), correctionsOf(plain.slice(-sizes.days)[index]!)),
  );
  const next = await makePartition(join(pool, 'next.parquet'), rowsOf(NEXT_DAY, sizes.entities, 1000));
  const small = await makePartition(join(pool, 'small.parquet'), rowsOf(LAST_DAY, WARM_UP_ENTITIES, 1000));

  const parts = (count: number): [Day, string][] =>
    days.map((day, index): [Day, string] => [day, plain[index]!]).slice(-count);
  const corrected = recent.map((day, index): [Day, string] => [day, corrections[index]!]);
  const table = (name: string, of: [Day, string][]) => layTable(join(folder, name), of);
  return {
    table: await table('table', parts(sizes.days)),
    newer: await table('newer', [...parts(sizes.days), [NEXT_DAY, next]]),
    corrected: await table('corrected', [...parts(sizes.days), ...corrected]),
    histories: await Promise.all(sizes.histories.map((count) => table(`history-${count}`, parts(count)))),
    warmUp: await table('warm-up', [[LAST_DAY, small]]),
    frame: await makePartition(join(folder, 'frame.parquet'), frameQuery(sizes)),
    from: days[0]!,
    to: NEXT_DAY,
  };
}

/** A query of one day is too little work for more than one thread. */
const inParallel = <T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> => {
  const limited = limit(availableParallelism());
  return Promise.all(items.map((item, index) => limited(() => work(item, index))));
};

async function makePartition(path: string, query: string): Promise<string> {
  await withDatabase(
    (database) => database.execute(`COPY (${query}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`),
    { threads: 1 },
  );
  return path;
}

/** Lays files out as `dt=<day>/<file>`, without copying them. */
async function layTable(folder: string, parts: readonly [Day, string][]): Promise<OfflineTable> {
  const files: string[] = [];
  for (const [day, source] of parts) {
    const partition = join(folder, `dt=${day}`);
    await mkdir(partition, { recursive: true });
    const path = join(partition, `part-${files.length}.parquet`);
    await link(source, path);
    files.push(path);
  }
  const { rows } = await withDatabase((database) =>
    database.row<{ rows: number }>(`SELECT count(*) AS rows FROM ${parquetFiles(files)}`),
  );
  return { folder, files, rows };
}

/** A number in [0, 1), drawn by a hash. */
const uniform = (of: string): string => `(hash(${of}) / 18446744073709551616.0)`;
const entityOf = (number: string): string => `'C' || lpad((${number})::VARCHAR, 7, '0')`;

/** Half of the features have all their digits, half two decimals; one value in fifty is missing. */
const featureOf = (seed: string, index: number): string => {
  const value = `200 * ${uniform(`${seed} + ${index}`)} - 100`;
  const told = index % 2 === 0 ? value : `round(${value}, 2)`;
  return `CASE WHEN hash(${seed} + ${index + 500}) % 50 > 0 THEN ${told} END AS ${FEATURE_NAMES[index]!}`;
};

function rowsOf(day: Day, entities: number, presentPerMille: number): string {
  return `
    SELECT ${entityOf('entity')} AS ${JOIN_KEY},
      TIMESTAMPTZ ${literal(`${day}T00:00:00Z`)} + to_microseconds((hash(seed) % 86400000000)::BIGINT) AS event_timestamp,
      event_timestamp + INTERVAL 1 HOUR AS created_timestamp,
      ${FEATURE_NAMES.map((_, index) => featureOf('seed', index)).join(',\n      ')}
    FROM (SELECT entity, ((DATE ${literal(day)} - DATE '2020-01-01')::BIGINT * 10000000 + entity) * 1000 AS seed
          FROM range(${entities}) AS entities(entity))
    WHERE hash(seed + 7) % 1000 < ${presentPerMille} ORDER BY entity`;
}

function correctionsOf(partition: string): string {
  const corrected = FEATURE_NAMES.map((name) => `${name} + 1000 AS ${name}`).join(', ');
  return `
    SELECT * REPLACE (created_timestamp + INTERVAL 6 HOUR AS created_timestamp, ${corrected})
    FROM read_parquet(${literal(partition)}) WHERE hash(${JOIN_KEY}, event_timestamp) % 1000 < ${CORRECTED_PER_MILLE}`;
}

/** Times from the table's second day on, so that some rows see little history, and one day beyond its end. */
function frameQuery({ frameRows, entities, days }: Sizes): string {
  const begin = `${daysEndingWith(LAST_DAY, days)[1]!}T00:00:00Z`;
  const unknown = `hash(number + 1) % 1000 < ${UNKNOWN_PER_MILLE}`;
  return `
    SELECT number AS frame_row,
      ${entityOf(`hash(number) % ${entities} + CASE WHEN ${unknown} THEN ${entities} ELSE 0 END`)} AS ${JOIN_KEY},
      TIMESTAMPTZ ${literal(begin)} + to_microseconds((hash(number + 2) % ${days * 86_400_000_000})::BIGINT)
        AS event_timestamp
    FROM range(${frameRows}) AS frame(number)`;
}
