import { endOfDay, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { storedName } from '../../contracts/feature-view';
import type { FeatureView } from '../../contracts/model';
import { identifier, literal, type Database } from '../../platform/duckdb';
import { SQL_TYPE } from '../../platform/duckdb-types';
import type { Micros } from '../../platform/online-store';
import type { PulledObject } from '../../platform/partitions';
import { openSource, PLACE } from '../datasets/historical/source';
import { featureColumns } from '../datasets/historical/types';
import { groupRowsToRead, NEVER_CREATED, type Group } from './newest-groups';

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

/** Which rows are the newest of their entities: the table `newest` (`entity_hash`, `event`, `place`). */
export interface Newest {
  entities: number;
  /** Microseconds since 1970; null without rows. */
  newestEvent: Micros | null;
  sample: Sample;
  groups: Group[];
}

/** The entities that are read back. */
export interface Sample {
  /** SQL condition on `newest`. */
  condition: string;
  entities: number;
}

/**
 * Finds the newest row of every entity alive at the end of `asOf`, by event, then created time (then the later row of the
 * later file, as the point-in-time join has it). It reads keys and times alone: the features of so many rows would not
 * fit into the memory, nor would it be quick to sort them. Rows without a time or a key are no entity's; times without a
 * zone are UTC; a partition without `created_timestamp` counts as older than any correction of it. Columns of its own beside
 * declared ones begin with `__`, as no declared name does.
 * @param sample How many entities are read back, and what chooses them.
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
       SELECT ${typed.join(', ')}, epoch_us(event_timestamp::TIMESTAMPTZ) AS __event,
         coalesce(${created}, ${NEVER_CREATED}) AS __created, ${PLACE} AS __place
       FROM ${from} WHERE isfinite(event_timestamp)),
     frame AS (
       SELECT ${keys}, max({'event': __event, 'created': __created, 'place': __place}) AS __newest
       FROM rows WHERE ${[...present, ...aliveAt(asOf, view.ttlSeconds)].join(' AND ')} GROUP BY ${keys})
     SELECT hash(${keys}) AS entity_hash, __newest.event AS event, __newest.place AS place
     FROM frame WHERE ${condition}`,
  );
  const { entities, newest } = await database.row<{ entities: number; newest: number | bigint | null }>(
    'SELECT count(*) AS entities, max(event) AS newest FROM newest',
  );
  return {
    entities,
    newestEvent: newest === null ? null : BigInt(newest),
    sample: await chooseSample(database, sample),
    groups: await groupRowsToRead(database, view, files),
  };
}

/** Conditions on `__event`; both ends of the window are included. */
const aliveAt = (asOf: Day, ttlSeconds: number): string[] => {
  const end = endOfDayMicros(asOf);
  const youngest = [`__event <= ${end}`];
  return ttlSeconds === 0 ? youngest : [...youngest, `__event >= ${end - BigInt(ttlSeconds) * 1_000_000n}`];
};

export const endOfDayMicros = (day: Day): Micros => BigInt(Date.parse(endOfDay(day))) * 1000n;

/** About `size` entities, chosen by `salt`: all of those that share the last rank. */
async function chooseSample(
  database: Database,
  { size, salt }: { size: number; salt: string },
): Promise<Sample> {
  const rank = `hash(newest.entity_hash, ${literal(salt)})`;
  const { last } = await database.row<{ last: number | bigint | null }>(
    `SELECT max(rank) AS last FROM (SELECT ${rank} AS rank FROM newest ORDER BY rank LIMIT ${size})`,
  );
  if (last === null) return { condition: 'false', entities: 0 };
  const condition = `${rank} <= ${last}::UBIGINT`;
  return database.row<{ condition: string; entities: number }>(
    `SELECT ${literal(condition)} AS condition, count(*) AS entities FROM newest WHERE ${condition}`,
  );
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
