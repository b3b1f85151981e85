import { endOfDay, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { storedName } from '../../contracts/feature-view';
import type { FeatureView } from '../../contracts/model';
import { identifier, literal, parquetFiles, type Database } from '../../platform/duckdb';
import type { Micros } from '../../platform/online-store';
import type { PulledObject } from '../../platform/partitions';
import { MOST_ROWS_A_FILE, openSource, PLACE } from '../datasets/historical/source';
import { featureColumns } from '../datasets/historical/types';
import { declaredColumns, SQL_TYPE } from './columns';

/** What is loaded of a view, and of which rows. */
export interface LoadScope {
  view: FeatureView;
  /** Partitions that may hold a row alive at the end of `asOf`, oldest first. */
  files: readonly PulledObject[];
  /** Rows later than the end of this day are not loaded, nor those that are older than the ttl by then. */
  asOf: Day;
  /** SQL condition on the join keys of `frame`: true for the entities that are loaded. */
  condition: string;
}

/** Files that are read together; each is read once. */
export interface Group {
  /** SQL `read_parquet(…)` that gives every declared column, `event_timestamp`, `created_timestamp` and PLACE as `place`. */
  rows: string;
  chunks: number;
}

/** Which rows are the newest of their entities: the table `newest` (`entity_hash`, `event`, `place`, `sampled`). */
export interface Newest {
  entities: number;
  /** Microseconds since 1970; null without rows. */
  newestEvent: Micros | null;
  groups: Group[];
}

/** An unknown created time is older than any other. */
const NEVER_CREATED = '(-9223372036854775808)::BIGINT';
const ENTITIES_PER_CHUNK = 20_000;

/**
 * Finds the newest row of every entity alive at the end of `asOf`, by event, then created time (then the later row of the
 * later file, as the point-in-time join has it). It reads keys and times alone: the features of so many rows would not
 * fit into the memory, nor would it be quick to sort them. Rows without a time or a key are no entity's; times without a
 * zone are UTC; a partition without `created_timestamp` counts as older than any correction of it.
 * @param sample How many entities are marked as `sampled`, and what chooses them.
 * @throws MeridianError CorruptObject naming the partition and the column where a schema is not the view's.
 */
export async function findNewest(
  database: Database,
  { view, files, asOf, condition }: LoadScope,
  sample: { size: number; salt: string },
): Promise<Newest> {
  const columns = featureColumns(
    storedName(view),
    view.features.map(({ name }) => name),
  );
  const { from, hasCreated } = await openSource(database, { view, files, columns });
  const created = hasCreated ? 'epoch_us(created_timestamp::TIMESTAMPTZ)' : 'NULL';
  const keys = view.entity.joinKeys.map(({ name }) => identifier(name)).join(', ');
  const typed = view.entity.joinKeys.map(
    ({ name, type }) => `TRY_CAST(${identifier(name)} AS ${SQL_TYPE[type]}) AS ${identifier(name)}`,
  );
  const present = view.entity.joinKeys.map(({ name }) => `${identifier(name)} IS NOT NULL`);
  await database.execute(
    `CREATE OR REPLACE TEMP TABLE newest AS
     WITH rows AS (
       SELECT ${typed.join(', ')}, epoch_us(event_timestamp::TIMESTAMPTZ) AS event,
         coalesce(${created}, ${NEVER_CREATED}) AS created, ${PLACE} AS place
       FROM ${from} WHERE isfinite(event_timestamp)),
     frame AS (
       SELECT ${keys}, max({'event': event, 'created': created, 'place': place}) AS row
       FROM rows WHERE ${[...present, ...aliveAt(asOf, view.ttlSeconds)].join(' AND ')} GROUP BY ${keys})
     SELECT hash(${keys}) AS entity_hash, row.event AS event, row.place AS place
     FROM frame WHERE ${condition}`,
  );
  const { entities, newest } = await database.row<{ entities: number; newest: number | bigint | null }>(
    'SELECT count(*) AS entities, max(event) AS newest FROM newest',
  );
  await markSample(database, sample);
  return {
    entities,
    newestEvent: newest === null ? null : BigInt(newest),
    groups: await groupFiles(database, view, files),
  };
}

/** Both ends of the window are included. */
export const aliveAt = (asOf: Day, ttlSeconds: number): string[] => {
  const end = endOfDayMicros(asOf);
  const youngest = [`event <= ${end}`];
  return ttlSeconds === 0 ? youngest : [...youngest, `event >= ${end - BigInt(ttlSeconds) * 1_000_000n}`];
};

export const endOfDayMicros = (day: Day): Micros => BigInt(Date.parse(endOfDay(day))) * 1000n;

async function markSample(database: Database, { size, salt }: { size: number; salt: string }): Promise<void> {
  await database.execute(`ALTER TABLE newest ADD COLUMN sampled BOOLEAN DEFAULT false`);
  await database.execute(
    `UPDATE newest SET sampled = true WHERE entity_hash IN (
       SELECT entity_hash FROM newest ORDER BY hash(entity_hash, ${literal(salt)}) LIMIT ${size})`,
  );
}

/**
 * Newest files first, in groups that double in size: most entities have their newest row in the newest partition, so that
 * the first rows are on their way after a fraction of the reading, and each file is still read once.
 */
async function groupFiles(
  database: Database,
  view: FeatureView,
  files: readonly PulledObject[],
): Promise<Group[]> {
  const counts = await database.rows<{ file: number; rows: number }>(
    `SELECT place // ${MOST_ROWS_A_FILE} AS file, count(*) AS rows FROM newest GROUP BY ALL`,
  );
  const rowsOf = new Map(counts.map(({ file, rows }) => [file, rows]));
  const groups: Group[] = [];
  let size = 1;
  for (let end = files.length; end > 0;) {
    const first = Math.max(0, end - size);
    let rows = 0;
    for (let file = first; file < end; file++) rows += rowsOf.get(file) ?? 0;
    if (rows > 0) {
      const paths = files.slice(first, end).map(({ path }) => path);
      groups.push({
        rows: await groupQuery(database, view, paths, first),
        chunks: Math.ceil(rows / ENTITIES_PER_CHUNK),
      });
      size *= 2;
    }
    end = first;
  }
  return groups;
}

/** Columns that none of these files has, although others of the view do, are null. */
async function groupQuery(
  database: Database,
  view: FeatureView,
  paths: readonly string[],
  firstFile: number,
): Promise<string> {
  const from = parquetFiles(paths);
  const found = await database.rows<{ column_name: string }>(`DESCRIBE SELECT * FROM ${from}`);
  const column = (name: string, type: string): string => {
    const value = found.some(({ column_name }) => column_name === name) ? identifier(name) : 'NULL';
    return `CAST(${value} AS ${type}) AS ${identifier(name)}`;
  };
  const columns = [
    ...declaredColumns(view).map(({ name, type }) => column(name, SQL_TYPE[type])),
    column('event_timestamp', 'TIMESTAMPTZ'),
    column('created_timestamp', 'TIMESTAMPTZ'),
  ];
  return `(SELECT ${columns.join(', ')}, ${PLACE} + ${firstFile}::BIGINT * ${MOST_ROWS_A_FILE} AS place FROM ${from})`;
}

/**
 * The newest rows of one group from a chunk on, chunk by chunk (and before it those that are sampled): `chunk`, `sampled`,
 * `event`, `created`, then the declared columns. Chunks are cut by a hash of the entity.
 */
export function groupRows(view: FeatureView, { rows, chunks }: Group, from: number): string {
  // The upper 32 bits of the hash, scaled to the number of chunks.
  const chunk = `((newest.entity_hash >> 32) * ${chunks}::UBIGINT) >> 32`;
  const columns = declaredColumns(view).map(({ name }) => `frame.${identifier(name)}`);
  return `SELECT (${chunk})::INTEGER AS chunk, newest.sampled, newest.event,
      coalesce(epoch_us(frame.created_timestamp), ${NEVER_CREATED}) AS created, ${columns.join(', ')}
    FROM ${rows} AS frame JOIN newest ON newest.place = frame.place
    ${from > 0 ? `WHERE ${chunk} >= ${from} OR newest.sampled` : ''}
    ${chunks > 1 ? 'ORDER BY 1' : ''}`;
}

/** @throws MeridianError DataQualityBreach where the newest row is older than the view accepts. */
export function requireFresh(view: FeatureView, asOf: Day, newestEvent: Micros | null): void {
  const hours = view.checks?.maxAgeHours;
  if (hours === undefined) return;
  const age = newestEvent === null ? Infinity : Number(endOfDayMicros(asOf) - newestEvent) / 3_600_000_000;
  if (age <= hours) return;
  const found = newestEvent === null ? 'no row at all' : new Date(Number(newestEvent / 1000n)).toISOString();
  throw new MeridianError(
    ErrorCode.DataQualityBreach,
    `features/${storedName(view)} up to ${asOf}: expected a newest row at most ${hours} hours old at the day's end, ` +
      `found ${found}. Nothing was written. Look for what delivers its sources, then retry.`,
  );
}
