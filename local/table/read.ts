import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { isModelName, MODEL_NAME } from '../../contracts/model-name';
import { literal, type Database } from '../../platform/duckdb';
import { textOf } from './columns';

/** The table in which a file's rows are, every column a text. */
export const ROWS = 'csv';

/** Reads a CSV file with a header into ROWS. @returns its header. */
export async function readTable(database: Database, file: string): Promise<string[]> {
  const bytes = await stat(file).then(
    (found) => (found.isFile() ? found.size : null),
    () => null,
  );
  if (bytes === null) throw wrong(file, 'no such file.');
  if (bytes === 0) throw wrong(file, 'an empty file; expected a header and rows.');
  try {
    await database.execute(
      `CREATE TABLE ${ROWS} AS SELECT * FROM read_csv(${literal(file)}, header = true, all_varchar = true)`,
    );
  } catch (cause) {
    throw wrong(file, `what is no CSV table: ${(cause as Error).message.split('\n')[0]}`, cause);
  }
  const { rows } = await database.row<{ rows: number }>(`SELECT count(*) AS rows FROM ${ROWS}`);
  if (rows === 0) throw wrong(file, 'a header and no rows.');
  const columns = await database.rows<{ column_name: string }>(`DESCRIBE ${ROWS}`);
  return columns.map(({ column_name }) => column_name);
}

/** @throws MeridianError InvalidInput where the file has no such column */
export function requireColumn(file: string, role: string, column: string, header: readonly string[]): void {
  if (header.includes(column)) return;
  const expected = `one of ${header.join(', ')}`;
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `${file} has no column ${show(column)}, named as the ${role}; expected ${expected}.`,
    [{ field: role, found: show(column), expected }],
  );
}

/** @throws MeridianError InvalidInput where a row has no value */
export async function requireValues(
  database: Database,
  file: string,
  role: string,
  column: string,
): Promise<void> {
  const { blank } = await database.row<{ blank: number }>(
    `SELECT count(*) AS blank FROM ${ROWS} WHERE ${textOf(column)} IS NULL`,
  );
  if (blank > 0) throw wrongColumn(file, role, column, `${blank} blank values`, 'a value in every row');
}

/** @throws MeridianError InvalidInput where a row has no value, or that of another */
export async function requireEntity(database: Database, file: string, entity: string): Promise<void> {
  await requireValues(database, file, 'entity', entity);
  const [repeated] = await database.rows<{ value: string; times: number }>(
    `SELECT ${textOf(entity)} AS value, count(*) AS times FROM ${ROWS} GROUP BY value HAVING times > 1
     ORDER BY value LIMIT 1`,
  );
  if (!repeated) return;
  const found = `${show(repeated.value)} ${repeated.times} times`;
  throw wrongColumn(file, 'entity', entity, found, 'each value once');
}

/** The name given, or the file's. @throws MeridianError InvalidInput */
export function modelName(file: string, name: string | undefined): string {
  const derived =
    name ??
    basename(file, extname(file))
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^[-0-9]+|-+$/g, '');
  if (isModelName(derived)) return derived;
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `The model name ${show(derived)}: expected ${MODEL_NAME}. Give one with name.`,
    [{ field: 'name', found: show(derived), expected: MODEL_NAME }],
  );
}

export function wrongColumn(
  file: string,
  field: string,
  column: string,
  found: string,
  expected: string,
): MeridianError {
  return new MeridianError(
    ErrorCode.InvalidInput,
    `${file}, column ${column} (the ${field}): found ${found}, expected ${expected}.`,
    [{ field, found, expected }],
  );
}

export function wrong(file: string, found: string, cause?: unknown): MeridianError {
  return new MeridianError(
    ErrorCode.InvalidInput,
    `${file}: found ${found}`,
    [{ field: 'file', found, expected: 'a CSV file with a header and rows' }],
    { cause },
  );
}
