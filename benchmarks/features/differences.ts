import { literal, withDatabase } from '../../platform/duckdb';
import { FEATURE_NAMES, JOIN_KEY, joinedView } from './data';

/** Rows of the frame that one answer lacks, has twice, or has with another value than the other. */
export async function countDifferences(frame: string, ours: string, theirs: string): Promise<number> {
  const columns = [
    'frame_row',
    JOIN_KEY,
    'epoch_us(event_timestamp)',
    ...FEATURE_NAMES.map((name) => `${joinedView.name}__${name}`),
  ].join(', ');
  const once = (path: string): string =>
    `SELECT ${columns} FROM read_parquet(${literal(path)}) QUALIFY count(*) OVER (PARTITION BY frame_row) = 1`;
  return withDatabase(async (database) => {
    const { rows } = await database.row<{ rows: number }>(
      `SELECT count(*) AS rows FROM read_parquet(${literal(frame)}) WHERE frame_row NOT IN (
         SELECT frame_row FROM (${once(ours)} INTERSECT ${once(theirs)}))`,
    );
    return rows;
  });
}
