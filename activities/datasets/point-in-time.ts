import type { FeatureView } from '../../contracts/model';
import { identifier } from '../../platform/duckdb';

export interface JoinedView {
  view: FeatureView;
  /** The DuckDB table or view that holds its rows: join keys, event_timestamp, created_timestamp, features. */
  table: string;
  /** Features to take, each with the column's name in the result. */
  columns: { feature: string; as: string; sqlType: string }[];
}

/**
 * SQL for the point-in-time join: every row and column of `frame` (which has `event_timestamp` and the join keys), and of
 * each view the row with `entity_ts − ttl ≤ event_ts ≤ entity_ts` (both ends included; a ttl of 0 is unlimited) whose
 * event is newest, ties going to the newest created. Rows without a time are never used, null keys never match.
 */
export function pointInTimeJoin(frame: string, views: readonly JoinedView[]): string {
  const candidates = views.map(({ view, table, columns }, index) => {
    const keys = view.entity.joinKeys.map(({ name }) => identifier(name)).join(', ');
    const features = columns.map(
      ({ feature, as, sqlType }) => `CAST(${identifier(feature)} AS ${sqlType}) AS ${identifier(as)}`,
    );
    // One row an entity and event time, so that what is left is a plain as-of join.
    return `v${index} AS (
      SELECT ${keys}, event_timestamp::TIMESTAMPTZ AS _event, ${features.join(', ')}
      FROM ${identifier(table)}
      WHERE event_timestamp IS NOT NULL
      QUALIFY row_number() OVER (
        PARTITION BY ${keys}, event_timestamp ORDER BY created_timestamp DESC NULLS LAST) = 1)`;
  });
  const joins = views.map(({ view }, index) => {
    const keys = view.entity.joinKeys.map(
      ({ name }) => `frame.${identifier(name)} = v${index}.${identifier(name)}`,
    );
    return `ASOF LEFT JOIN v${index} ON ${keys.join(' AND ')} AND frame.event_timestamp >= v${index}._event`;
  });
  // The newest event is too old: so are all others.
  const features = views.flatMap(({ view, columns }, index) =>
    columns.map(({ as }) => {
      const value = `v${index}.${identifier(as)}`;
      if (view.ttlSeconds === 0) return `${value} AS ${identifier(as)}`;
      const oldest = `frame.event_timestamp - to_seconds(${view.ttlSeconds}::BIGINT)`;
      return `CASE WHEN v${index}._event >= ${oldest} THEN ${value} END AS ${identifier(as)}`;
    }),
  );
  return `WITH ${candidates.join(',\n')}
    SELECT ${['frame.*', ...features].join(', ')} FROM ${identifier(frame)} AS frame ${joins.join('\n')}`;
}
