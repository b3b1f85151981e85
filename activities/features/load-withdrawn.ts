import { listValue } from '@duckdb/node-api';
import { addDays, type Day } from '../../contracts/days';
import type { FeatureView } from '../../contracts/model';
import { identifier, type Database } from '../../platform/duckdb';
import { SQL_TYPE } from '../../platform/duckdb-types';
import type { Micros, OfflineState, OnlineStore, Withdrawal } from '../../platform/online-store';
import { endOfDayMicros } from './newest';

/** What a load has read of a view's partitions. */
export interface ReadScope {
  view: FeatureView;
  /** The last day it reads. */
  asOf: Day;
  /** Epoch microseconds before the partitions were listed. */
  since: Micros;
  /** The first day it reads, where older ones may hold rows that are alive. */
  from: Day | null;
  /** Whether it reads every partition of these days. */
  complete: boolean;
}

/**
 * Goes through every entity that stands online, and takes the view's row out of those where it is not what the offline
 * store says (the table `newest`): it has expired, or its partition was written again without it. Rows of a view that
 * takes pushes, or of which a partition was left out, are removed only once they have expired. To be called before the
 * newest rows are written: they take the place of those that are removed.
 * @param onPage Called before each page of entities.
 * @returns How many rows were removed; `counted` those that no longer stand offline while an older row may do so, which
 *   was not read: nothing is removed of them.
 */
export async function removeWithdrawn(
  database: Database,
  online: OnlineStore,
  { view, asOf, since, from, complete }: ReadScope,
  onPage: () => void,
): Promise<Withdrawal> {
  const until = endOfDayMicros(asOf);
  const total: Withdrawal = { removed: 0, counted: 0 };
  const isJudged = complete && view.push !== true;
  if (!isJudged && view.ttlSeconds === 0) return total;
  const after = from === null ? undefined : endOfDayMicros(addDays(from, -1));
  for await (const [found] of online.scan([view.entity.joinKeys])) {
    onPage();
    const states = await offlineStates(database, view, found!.entities);
    if (!isJudged) {
      const absent = states.filter(({ event }) => event === null).map(({ entity }) => entity);
      total.removed += await online.removeStale(view, absent, expiryOf(view, until));
      continue;
    }
    const { removed, counted } = await online.removeWithdrawn(view, states, {
      until,
      createdBy: since,
      after,
    });
    total.removed += removed;
    total.counted += counted;
  }
  return total;
}

const expiryOf = ({ ttlSeconds }: FeatureView, end: Micros): Micros => end - BigInt(ttlSeconds) * 1_000_000n;

/** The newest event offline of each of these entities. */
async function offlineStates(
  database: Database,
  { entity: { joinKeys } }: FeatureView,
  entities: readonly Record<string, unknown>[],
): Promise<OfflineState[]> {
  if (entities.length === 0) return [];
  const lists = joinKeys.map((_, index) => `unnest($key${index}) AS ${identifier(`__key${index}`)}`);
  const keys = joinKeys.map(({ type }, index) => `CAST(${identifier(`__key${index}`)} AS ${SQL_TYPE[type]})`);
  const values = joinKeys.map(({ name }, index) => [
    `key${index}`,
    listValue(entities.map((entity) => entity[name] as string | bigint)),
  ]);
  const found = await database.rows<{ position: number; event: number | bigint }>(
    `SELECT position, event FROM (SELECT hash(${keys.join(', ')}) AS entity_hash, position
       FROM (SELECT ${lists.join(', ')}, unnest(range(${entities.length})) AS position))
     JOIN newest USING (entity_hash)`,
    Object.fromEntries(values),
  );
  const states: OfflineState[] = entities.map((entity) => ({ entity, event: null }));
  for (const { position, event } of found) states[position]!.event = BigInt(event);
  return states;
}
