import { ErrorCode, MeridianError, show } from '../../../contracts/errors';
import { INSTANT_EXPECTED, parseInstant } from '../../../contracts/instant';
import { identifier, type Database } from '../../../platform/duckdb';
import { SQL_TYPE } from '../../../platform/duckdb-types';
import { ENTITY, FRAME, loadFrame, ROW, TIME } from './frame';
import { openSource, PLACE, type Source } from './source';
import type { AsKnown, HistoricalView } from './types';

const MICROSECONDS = 1_000_000n;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

export interface HistoricalJoin {
  /** A table's name as an SQL identifier, or `read_parquet(…)`: rows with `event_timestamp` and the views' join keys. */
  frame: string;
  /** What to call the frame in messages. */
  frameName: string;
  views: readonly HistoricalView[];
  asKnown?: AsKnown;
  /** SQL condition on rows of `frame`: those that may have features; default: all. */
  keep?: string;
  /** A BOOLEAN column of this name: whether every view had a row, whatever its values. */
  found?: string;
}

/**
 * The point-in-time join, as SQL for its result: every row and column of the frame in the frame's order, and of each view
 * the features of the row with `entity_ts − ttl ≤ event_ts ≤ entity_ts` (both ends included; a ttl of 0 is unlimited)
 * whose event is newest; ties go to the newest created, and what is equal then to the later row of the later file. Rows
 * without a time are never used, null keys never match, times without a zone are UTC; the resolution is the microsecond.
 *
 * Which row wins is found first, on keys and times alone; only then are features read, of the winners. The database
 * holds the work tables (FRAME, `historical_…`) until it is closed.
 * @throws MeridianError InvalidInput about the frame, the features asked for or the cut; CorruptObject naming the
 * partition whose schema is not the view's.
 */
export async function historicalQuery(database: Database, join: HistoricalJoin): Promise<string> {
  const { frame, frameName, views, asKnown, keep, found } = join;
  for (const view of views) requireFeatures(view);
  await loadFrame(database, frame, frameName, views);
  // Without a time a row asks for nothing.
  if (keep) await database.execute(`UPDATE ${FRAME} AS frame SET ${TIME} = NULL WHERE NOT (${keep})`);
  const entities = await numberEntities(database, views);
  const joined: string[] = [];
  for (const [index, view] of views.entries()) {
    const entity = entities.get(keysOf(view))!;
    joined.push(
      view.files.length === 0
        ? noRows(view)
        : await joinView(database, view, entity, `historical_winners_${index}`, asKnown),
    );
  }
  const features = views.flatMap(({ columns }, index) =>
    columns.map(({ as }, column) => `v${index}.c${column} AS ${identifier(as)}`),
  );
  const everyView = views.map((_, index) => `v${index}.${ROW} IS NOT NULL`).join(' AND ') || 'true';
  const complete = found === undefined ? [] : [`(${everyView}) AS ${identifier(found)}`];
  return `SELECT ${[`frame.* EXCLUDE (${ROW}, ${TIME})`, ...features, ...complete].join(', ')}
    FROM ${FRAME} AS frame
    ${joined.map((rows, index) => `LEFT JOIN (${rows}) AS v${index} ON frame.${ROW} = v${index}.${ROW}`).join('\n')}
    ORDER BY frame.${ROW}`;
}

function requireFeatures({ view, columns }: HistoricalView): void {
  const known = view.features.map(({ name }) => name);
  for (const { feature } of columns) {
    if (known.includes(feature)) continue;
    const expected = `one of ${known.join(', ')}`;
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `feature view ${view.name}: found no feature ${show(feature)}, expected ${expected}. Nothing was written.`,
      [{ field: `${view.name}:${feature}`, found: show(feature), expected }],
    );
  }
}

/** Where the frame's entities of one set of join keys have their numbers. */
interface Entities {
  /** Join keys and ENTITY. */
  numbers: string;
  /** The frame's rows that have an entity and a time: ROW, TIME and ENTITY. */
  asked: string;
  /** Between which times the frame asks, in microseconds; null where it asks nothing. */
  first: bigint | null;
  last: bigint | null;
}

const keysOf = ({ view }: HistoricalView): string =>
  view.entity.joinKeys.map(({ name, type }) => `${name} ${type}`).join(',');

/** Gives each entity of the frame a number: joining and sorting by it costs the same whatever the keys are. */
async function numberEntities(
  database: Database,
  views: readonly HistoricalView[],
): Promise<Map<string, Entities>> {
  const all = new Map<string, Entities>();
  for (const asking of views) {
    if (all.has(keysOf(asking))) continue;
    const numbers = `historical_entities_${all.size}`;
    const { joinKeys } = asking.view.entity;
    const keys = joinKeys.map(({ name, type }) => castKey(`frame.${identifier(name)}`, type));
    const names = joinKeys.map(({ name }) => identifier(name));
    const present = keys.map((key) => `${key} IS NOT NULL`).join(' AND ');
    await database.execute(
      `CREATE OR REPLACE TEMP TABLE ${numbers} AS SELECT *, row_number() OVER () AS ${ENTITY} FROM (
         SELECT DISTINCT ${keys.map((key, index) => `${key} AS ${names[index]}`).join(', ')}
         FROM ${FRAME} AS frame WHERE ${present} AND ${TIME} IS NOT NULL)`,
    );
    const asked = `(SELECT ${ROW}, ${TIME}, ${ENTITY} FROM ${FRAME} AS frame
       JOIN ${numbers} AS entity ON ${keys.map((key, index) => `${key} = entity.${names[index]}`).join(' AND ')}
       WHERE ${TIME} IS NOT NULL)`;
    const { first, last } = await database.row<{
      first: number | bigint | null;
      last: number | bigint | null;
    }>(`SELECT min(${TIME}) AS first, max(${TIME}) AS last FROM ${FRAME} AS frame WHERE ${present}`);
    all.set(keysOf(asking), {
      numbers,
      asked,
      first: first === null ? null : BigInt(first),
      last: last === null ? null : BigInt(last),
    });
  }
  return all;
}

/** A key that its declared type cannot hold is no entity's. */
const castKey = (key: string, type: keyof typeof SQL_TYPE): string => `TRY_CAST(${key} AS ${SQL_TYPE[type]})`;

/** Finds each frame row's winner. @returns SQL for ROW and the winner's features, `c0`, `c1`, … */
async function joinView(
  database: Database,
  asking: HistoricalView,
  entities: Entities,
  table: string,
  asKnown: AsKnown | undefined,
): Promise<string> {
  const { view, columns } = asking;
  const source = await openSource(database, asking);
  if (entities.first === null) return noRows(asking);
  const candidates = candidateRows(asking, source, entities, asKnown);
  const winners = asKnown === 'row' ? newestKnown(candidates, entities) : newest(candidates, entities);
  await database.execute(`CREATE OR REPLACE TEMP TABLE ${table} AS ${winners}`);
  const declared = new Map(view.features.map((feature) => [feature.name, feature.type]));
  const features = columns.map(
    ({ feature }, index) =>
      `CAST(v.${identifier(feature)} AS ${SQL_TYPE[declared.get(feature)!]}) AS c${index}`,
  );
  // The newest event is too old: so are all others.
  const alive =
    view.ttlSeconds === 0
      ? ''
      : ` AND epoch_us(v.event_timestamp) >= winner.${TIME} - ${ttlOf(asking)}::HUGEINT`;
  return `SELECT ${[`winner.${ROW}`, ...features].join(', ')} FROM ${source.from} AS v
    JOIN ${table} AS winner ON ${PLACE} = winner.place${alive}`;
}

const ttlOf = ({ view }: HistoricalView): bigint => BigInt(view.ttlSeconds) * MICROSECONDS;

const noRows = ({ view, columns }: HistoricalView): string => {
  const types = new Map(view.features.map(({ name, type }) => [name, type]));
  const nulls = columns.map(({ feature }, index) => `NULL::${SQL_TYPE[types.get(feature)!]} AS c${index}`);
  return `SELECT ${[`NULL::BIGINT AS ${ROW}`, ...nulls].join(', ')} WHERE false`;
};

/** The view's rows that some frame row might take: `id`, `event`, `created` (microseconds) and `place`. */
function candidateRows(
  asking: HistoricalView,
  { from, hasCreated }: Source,
  { numbers, first, last }: Entities,
  asKnown: AsKnown | undefined,
): string {
  const { view } = asking;
  const created = hasCreated ? 'epoch_us(v.created_timestamp)' : 'NULL::BIGINT';
  const same = view.entity.joinKeys.map(
    ({ name, type }) => `${castKey(`v.${identifier(name)}`, type)} = entity.${identifier(name)}`,
  );
  const conditions = [`epoch_us(v.event_timestamp) <= ${int64(last!)}`];
  if (view.ttlSeconds > 0) conditions.push(`epoch_us(v.event_timestamp) >= ${int64(first! - ttlOf(asking))}`);
  if (asKnown === 'row') conditions.push(`${created} IS NOT NULL`);
  else if (asKnown) conditions.push(`${created} <= ${int64(microsecondsOf(asKnown.at))}`);
  return `SELECT entity.${ENTITY} AS id, epoch_us(v.event_timestamp) AS event,
      coalesce(${created}, ${int64(INT64_MIN)}) AS created, ${PLACE} AS place
    FROM ${from} AS v JOIN ${numbers} AS entity ON ${same.join(' AND ')} WHERE ${conditions.join(' AND ')}`;
}

/** As-of, in one sort: rows and questions on one line of time, each question taking the last row before it. */
function newest(candidates: string, { asked }: Entities): string {
  return `SELECT ${ROW}, ${TIME}, place FROM (
    SELECT ${ROW}, ${TIME}, last_value(place IGNORE NULLS) OVER (
      PARTITION BY id ORDER BY ${TIME}, created, place NULLS LAST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS place
    FROM (SELECT ${ROW}, ${TIME}, ${ENTITY} AS id, ${int64(INT64_MAX)} AS created, NULL::BIGINT AS place FROM ${asked}
          UNION ALL SELECT NULL, event, id, created, place FROM (${candidates})))
    WHERE ${ROW} IS NOT NULL AND place IS NOT NULL`;
}

/**
 * A row is known from its event or its creation on, whichever is later. The newest known at a time is therefore the one
 * that ranks highest, by event and created time, among those on the line of time so far.
 */
function newestKnown(candidates: string, { asked }: Entities): string {
  return `WITH ranked AS (
      SELECT id, greatest(event, created) AS known, place,
        row_number() OVER (PARTITION BY id ORDER BY event, created, place) AS rank
      FROM (${candidates})),
    seen AS (
      SELECT ${ROW}, ${TIME}, id, max(rank) OVER (PARTITION BY id ORDER BY ${TIME}) AS rank
      FROM (SELECT ${ROW}, ${TIME}, ${ENTITY} AS id, NULL::BIGINT AS rank FROM ${asked}
            UNION ALL SELECT NULL, known, id, rank FROM ranked))
    SELECT ${ROW}, ${TIME}, place FROM seen JOIN ranked USING (id, rank) WHERE ${ROW} IS NOT NULL`;
}

/** @throws MeridianError InvalidInput where the text is no instant. */
function microsecondsOf(instant: string): bigint {
  const time = parseInstant(instant);
  if (time !== null) return time;
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `as known at: found ${show(instant)}, expected ${INSTANT_EXPECTED}. Nothing was written.`,
    [{ field: 'asKnown', found: show(instant), expected: INSTANT_EXPECTED }],
  );
}

/** An SQL literal; times outside the range stand at its end. */
function int64(value: bigint): string {
  const held = value < INT64_MIN ? INT64_MIN : value > INT64_MAX ? INT64_MAX : value;
  return held === INT64_MIN ? `(-9223372036854775807 - 1)::BIGINT` : `${held}::BIGINT`;
}
