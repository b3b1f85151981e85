import type { FeatureView } from '../../contracts/model';
import { identifier, literal, parquetFiles, type Database } from '../../platform/duckdb';
import { SQL_TYPE } from '../../platform/duckdb-types';
import type { PulledObject } from '../../platform/partitions';
import { MOST_ROWS_A_FILE, PLACE } from '../datasets/historical/source';
import { declaredColumns } from './columns';

/** Rows that are read, and ordered by their chunks, together. */
export interface Group {
  /** SQL that gives every declared column, `event_timestamp`, `created_timestamp` and PLACE as `__place`. */
  rows: string;
  chunks: number;
}

/** Whole files, or the row groups `from` to `to` (row numbers, `to` excluded) of one. */
interface Extent {
  first: number;
  end: number;
  range?: { from: number; to: number };
  entities: number;
}

/** An unknown created time is older than any other. */
export const NEVER_CREATED = '(-9223372036854775808)::BIGINT';
const ENTITIES_PER_CHUNK = 20_000;
/** What is ordered at a time has to fit into the memory, however many entities there are. */
const VALUES_PER_GROUP = 5_000_000;

/**
 * Cuts the files into groups, newest first, each read once. Groups of files double in size: most entities have their
 * newest row in the newest partition, so that the first rows are on their way after a fraction of the reading. A file
 * with more of the table `newest` than a group may hold is cut between its row groups.
 */
export async function groupRowsToRead(
  database: Database,
  view: FeatureView,
  files: readonly PulledObject[],
): Promise<Group[]> {
  const counts = await database.rows<{ file: number; rows: number }>(
    `SELECT place // ${MOST_ROWS_A_FILE} AS file, count(*) AS rows FROM newest GROUP BY ALL ORDER BY file DESC`,
  );
  const most = Math.ceil(VALUES_PER_GROUP / declaredColumns(view).length);
  const extents: Extent[] = [];
  let open: Extent | undefined;
  let size = 1;
  for (const { file, rows } of counts) {
    if (rows > most) {
      extents.push(...(await cutFile(database, files[file]!, file, most)));
      open = undefined;
      continue;
    }
    if (open && open.end - file <= size && open.entities + rows <= most) {
      open.first = file;
      open.entities += rows;
      continue;
    }
    if (open) size *= 2;
    open = { first: file, end: file + 1, entities: rows };
    extents.push(open);
  }
  return Promise.all(
    extents.map(async (extent) => ({
      rows: await extentQuery(database, view, files, extent),
      chunks: Math.ceil(extent.entities / ENTITIES_PER_CHUNK),
    })),
  );
}

/** Neighbouring row groups, last first. */
async function cutFile(
  database: Database,
  { path }: PulledObject,
  file: number,
  most: number,
): Promise<Extent[]> {
  const sizes = await database.rows<{ rows: number }>(
    `SELECT any_value(row_group_num_rows) AS rows FROM parquet_metadata(${literal(path)})
     GROUP BY row_group_id ORDER BY row_group_id`,
  );
  const starts = [0];
  for (const { rows } of sizes) starts.push(starts.at(-1)! + rows);
  const counts = await database.rows<{ start: number; rows: number }>(
    `SELECT start, count(*) AS rows FROM newest ASOF JOIN (
       SELECT unnest([${starts.slice(0, -1).join(', ')}]::BIGINT[]) AS start) AS groups
     ON place - ${file}::BIGINT * ${MOST_ROWS_A_FILE} >= start
     WHERE place // ${MOST_ROWS_A_FILE} = ${file} GROUP BY start ORDER BY start DESC`,
  );
  const extents: Extent[] = [];
  for (const { start, rows } of counts) {
    const last = extents.at(-1);
    if (last && last.entities + rows <= most) {
      last.range!.from = start;
      last.entities += rows;
    } else {
      const to = starts[starts.indexOf(start) + 1]!;
      extents.push({ first: file, end: file + 1, range: { from: start, to }, entities: rows });
    }
  }
  return extents;
}

/** Columns that none of these files has, although others of the view do, are null. */
async function extentQuery(
  database: Database,
  view: FeatureView,
  files: readonly PulledObject[],
  { first, end, range }: Extent,
): Promise<string> {
  const from = parquetFiles(files.slice(first, end).map(({ path }) => path));
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
  const rows = range ? `WHERE file_row_number BETWEEN ${range.from} AND ${range.to - 1}` : '';
  return `(SELECT ${columns.join(', ')}, ${PLACE} + ${first}::BIGINT * ${MOST_ROWS_A_FILE} AS __place FROM ${from} ${rows})`;
}

/**
 * The newest rows of one group from a chunk on, chunk by chunk (and before it those that are sampled): `chunk`, `sampled`,
 * `event`, `created`, then the declared columns. Chunks are cut by a hash of the entity.
 */
export function groupRows(view: FeatureView, { rows, chunks }: Group, sampled: string, from: number): string {
  // The upper 32 bits of the hash, scaled to the number of chunks.
  const chunk = `((newest.entity_hash >> 32) * ${chunks}::UBIGINT) >> 32`;
  const columns = declaredColumns(view).map(({ name }) => `frame.${identifier(name)}`);
  return `SELECT (${chunk})::INTEGER AS chunk, ${sampled} AS sampled, newest.event,
      coalesce(epoch_us(frame.created_timestamp), ${NEVER_CREATED}) AS created, ${columns.join(', ')}
    FROM ${rows} AS frame JOIN newest ON newest.place = frame.__place
    ${from > 0 ? `WHERE ${chunk} >= ${from} OR ${sampled}` : ''}
    ${chunks > 1 ? 'ORDER BY 1' : ''}`;
}
