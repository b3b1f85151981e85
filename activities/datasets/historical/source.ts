import { ErrorCode } from '../../../contracts/errors';
import { identifier, literal, parquetFiles, type Database } from '../../../platform/duckdb';
import { columnTypes, HOLDS, isLossy, MAY_HOLD, type TypedColumn } from '../../../platform/duckdb-types';
import { misfit, TIMES } from './schema';
import type { HistoricalView, OfflineFile } from './types';

/** A view's files, as the join reads them. */
export interface Source {
  /** `read_parquet(…)` */
  from: string;
  hasCreated: boolean;
}

/** DuckDB's own columns that tell rows apart: `file_index` numbers the files in the order they are given. */
const POSITION = ['file_index', 'file_row_number'];
export const MOST_ROWS_A_FILE = 2 ** 40;

/** A row's place: the later one wins where event and created times are equal, whatever thread reads it. */
export const PLACE = `(file_index::BIGINT * ${MOST_ROWS_A_FILE} + file_row_number::BIGINT)`;

interface Wanted {
  name: string;
  fits: RegExp;
  expected: string;
  /** A feature that was added later is null in partitions from before. */
  where: 'in every file' | 'in some file' | 'anywhere or nowhere';
}

/**
 * Holds the schema of every file against the view.
 * @throws MeridianError CorruptObject naming the partition whose schema is another.
 */
export async function openSource(
  database: Database,
  { view, files, columns }: HistoricalView,
): Promise<Source> {
  const paths = files.map(({ path }) => path);
  const declared = new Map(view.features.map((feature) => [feature.name, feature.type]));
  const wanted: Wanted[] = [
    ...view.entity.joinKeys.map(({ name, type }) => ({
      name,
      fits: HOLDS[type],
      expected: type,
      where: 'in every file' as const,
    })),
    { name: 'event_timestamp', fits: TIMES, expected: 'a timestamp', where: 'in every file' },
    { name: 'created_timestamp', fits: TIMES, expected: 'a timestamp', where: 'anywhere or nowhere' },
    ...columns.map(({ feature }) => {
      const type = declared.get(feature)!;
      return { name: feature, fits: MAY_HOLD[type], expected: type, where: 'in some file' as const };
    }),
  ];
  const found = await database.rows<{ name: string; type: string; files: number; example: string }>(
    `SELECT name, duckdb_type AS type, count(*) AS files, min(file_name) AS example
     FROM parquet_schema([${paths.map(literal).join(', ')}]) WHERE duckdb_type IS NOT NULL GROUP BY ALL`,
  );
  const keyOf = (path: string): string => files.find((file) => file.path === path)!.key;
  for (const { name, fits, expected, where } of wanted) {
    const groups = found.filter((group) => group.name === name);
    const other = groups.find(({ type }) => !fits.test(type) && !isNulls(type, where));
    if (other) throw otherSchema(keyOf(other.example), name, `the column ${name} as ${other.type}`, expected);
    const having = groups.reduce((sum, group) => sum + group.files, 0);
    const least = where === 'in every file' ? files.length : where === 'in some file' ? 1 : 0;
    if (having < least)
      throw otherSchema(await fileWithout(database, files, name), name, `no column ${name}`, expected);
  }
  for (const { feature: name } of columns) {
    const column = { name, type: declared.get(name)! };
    const groups = found.filter((group) => group.name === name);
    if (groups.some(({ type }) => !HOLDS[column.type].test(type) && !isNulls(type, 'in some file')))
      await refuseLossy(database, files, column);
  }
  const taken = found.find(({ name }) => POSITION.includes(name));
  if (taken)
    throw otherSchema(keyOf(taken.example), taken.name, `a column ${taken.name}`, 'none of that name');
  return {
    from: parquetFiles(paths),
    hasCreated: found.some(({ name }) => name === 'created_timestamp'),
  };
}

/** Values are judged as they are read: where one file has doubles, DuckDB takes the integers of the others for doubles, too. */
async function refuseLossy(
  database: Database,
  files: readonly OfflineFile[],
  column: TypedColumn,
): Promise<void> {
  const { name, type } = column;
  const from = parquetFiles(files.map(({ path }) => path));
  const found = (await columnTypes(database, from)).get(name)!;
  const [bad] = await database.rows<{ file: number; rows: number }>(
    `SELECT file_index AS file, count(*) AS rows FROM ${from}
     WHERE ${identifier(name)} IS NOT NULL AND (${isLossy(column, found)}) GROUP BY ALL ORDER BY file LIMIT 1`,
  );
  if (!bad) return;
  const what = `${bad.rows} rows whose ${name}, as ${found}, is no ${type} without loss`;
  throw otherSchema(files[bad.file]!.key, name, what, type);
}

/** Some writers give a column without any value no type. */
const isNulls = (type: string, where: Wanted['where']): boolean =>
  where === 'in some file' && /^"?NULL"?$/.test(type);

async function fileWithout(
  database: Database,
  files: readonly OfflineFile[],
  column: string,
): Promise<string> {
  const all = files.map(({ path }) => literal(path)).join(', ');
  const having = await database.rows<{ file: string }>(
    `SELECT DISTINCT file_name AS file FROM parquet_schema([${all}]) WHERE name = ${literal(column)}`,
  );
  return files.find(({ path }) => !having.some(({ file }) => file === path))!.key;
}

const otherSchema = (key: string, column: string, found: string, expected: string) =>
  misfit(
    ErrorCode.CorruptObject,
    key,
    column,
    found,
    `${column}: ${expected}`,
    'Nothing was written. Compute or deliver the partition again, or give its view a new version.',
  );
