import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { endOfDay, type Day } from '../../contracts/days';
import { versionFor } from '../../client/feature-views';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { SupervisedDeclaration } from '../../contracts/model';
import { isModelName, MODEL_NAME } from '../../contracts/model-name';
import { identifier, literal, openDatabase, type Database } from '../../platform/duckdb';
import type { ObjectStore } from '../../platform/s3';
import { inferColumn, isTrue, textOf, type TableColumn } from './columns';
import { declareTable } from './declare';
import { writeRows } from './write';

export interface TableRequest {
  /** A CSV file with a header. */
  file: string;
  /** The column that names a row's entity, once each. */
  entity: string;
  /** The column to predict: two values. */
  label: string;
  /** The model's name; default: the file's. */
  name?: string;
  /** The day under which features and labels are written. */
  day: Day;
}

export interface ImportedTable {
  declaration: SupervisedDeclaration;
  rows: number;
  /** Names what lies in the features' partition: the same table imported again has the same name, a changed one another. */
  delivery: string;
  /** What was left out, and why, in words. */
  notes: string[];
}

/**
 * Makes a model's data out of a CSV file: `features/<view>/dt=<day>/` and `labels/<model>/dt=<day>/`, and the declaration
 * to train on them. The same file and day give the same objects; a changed file corrects what the day held.
 * @throws MeridianError InvalidInput naming the file or the column.
 */
export async function importTable(store: ObjectStore, request: TableRequest): Promise<ImportedTable> {
  const name = modelName(request);
  const folder = await mkdtemp(join(tmpdir(), 'meridian-table-'));
  const database = await openDatabase({ temporaryFolder: join(folder, 'spill') });
  try {
    const header = await readTable(database, request.file);
    for (const role of ['entity', 'label'] as const) requireColumn(request, role, header);
    await checkEntity(database, request);
    const classes = await labelClasses(database, request);
    const notes: string[] = [];
    const columns: TableColumn[] = [];
    for (const column of header.filter((one) => one !== request.entity && one !== request.label)) {
      const inferred = await inferColumn(database, 'csv', column);
      if ('note' in inferred) notes.push(inferred.note);
      else columns.push(inferred.column);
    }
    if (columns.length === 0) throw wrong(request.file, `no column to learn from. ${notes.join(' ')}`);
    const table = {
      name,
      entity: request.entity,
      label: request.label,
      classes,
      columns,
      source: basename(request.file),
    };
    const [first] = declareTable({ ...table, version: 1 }).views;
    const declaration = declareTable({ ...table, version: await versionFor(store, first!) });
    const { rows } = await database.row<{ rows: number }>('SELECT count(*) AS rows FROM csv');
    const delivery = await writePartitions(store, database, folder, request, declaration, columns, classes);
    return { declaration, rows, delivery, notes };
  } finally {
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The file's columns as texts, in the table `csv`. @returns its header. */
async function readTable(database: Database, file: string): Promise<string[]> {
  const bytes = await stat(file).then(
    (found) => (found.isFile() ? found.size : null),
    () => null,
  );
  if (bytes === null) throw wrong(file, 'no such file.');
  if (bytes === 0) throw wrong(file, 'an empty file; expected a header and rows.');
  try {
    await database.execute(
      `CREATE TABLE csv AS SELECT * FROM read_csv(${literal(file)}, header = true, all_varchar = true)`,
    );
  } catch (cause) {
    throw wrong(file, `what is no CSV table: ${(cause as Error).message.split('\n')[0]}`, cause);
  }
  const { rows } = await database.row<{ rows: number }>('SELECT count(*) AS rows FROM csv');
  if (rows === 0) throw wrong(file, 'a header and no rows.');
  const columns = await database.rows<{ column_name: string }>('DESCRIBE csv');
  return columns.map(({ column_name }) => column_name);
}

function requireColumn(request: TableRequest, role: 'entity' | 'label', header: readonly string[]): void {
  if (header.includes(request[role])) return;
  const expected = `one of ${header.join(', ')}`;
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `${request.file} has no column ${show(request[role])}, named as the ${role}; expected ${expected}.`,
    [{ field: role, found: show(request[role]), expected }],
  );
}

async function checkEntity(database: Database, { file, entity }: TableRequest): Promise<void> {
  const key = textOf(entity);
  const { blank } = await database.row<{ blank: number }>(
    `SELECT count(*) AS blank FROM csv WHERE ${key} IS NULL`,
  );
  if (blank > 0) throw wrongColumn(file, 'entity', entity, `${blank} blank values`, 'a value in every row');
  const repeated = await database.rows<{ value: string; times: number }>(
    `SELECT ${key} AS value, count(*) AS times FROM csv GROUP BY value HAVING times > 1 ORDER BY value LIMIT 1`,
  );
  if (repeated[0]) {
    const found = `${show(repeated[0].value)} ${repeated[0].times} times`;
    throw wrongColumn(file, 'entity', entity, found, 'each value once');
  }
}

/** The label's two values: positive is the one that says yes, else the rarer. */
async function labelClasses(
  database: Database,
  { file, label }: TableRequest,
): Promise<[negative: string, positive: string]> {
  const values = await database.rows<{ value: string }>(
    `SELECT ${textOf(label)} AS value FROM csv WHERE value IS NOT NULL GROUP BY value ORDER BY count(*), value LIMIT 100`,
  );
  const [rarer, commoner] = values.map(({ value }) => value);
  if (values.length !== 2 || rarer === undefined || commoner === undefined) {
    const some = values
      .slice(0, 5)
      .map(({ value }) => show(value))
      .join(', ');
    const count = values.length === 100 ? '100 or more' : String(values.length);
    throw wrongColumn(file, 'label', label, `${count} different values (${some})`, 'two different values');
  }
  return isTrue(commoner) && !isTrue(rarer) ? [rarer, commoner] : [commoner, rarer];
}

/** Writes features and labels. @returns what names the features' object */
async function writePartitions(
  store: ObjectStore,
  database: Database,
  folder: string,
  { entity, label, day }: TableRequest,
  declaration: SupervisedDeclaration,
  columns: readonly TableColumn[],
  [, positive]: [string, string],
): Promise<string> {
  const key = `${textOf(entity)} AS ${identifier(entity)}`;
  const observed = endOfDay(day);
  const time = `TIMESTAMPTZ ${literal(observed)} AS event_timestamp`;
  const features = columns.map(({ name, sql }) => `${sql} AS ${identifier(name)}`).join(', ');
  const write = (rows: string, partition: string): Promise<string> =>
    writeRows({ store, database, folder, entity, observed }, rows, `${partition}part-0.parquet`);
  const delivery = await write(
    `SELECT ${key}, ${time}, ${features} FROM csv`,
    Key.featurePartition(declaration.views[0]!, day),
  );
  await write(
    `SELECT ${key}, ${time}, CAST(${textOf(label)} = ${literal(positive)} AS INTEGER) AS label
       FROM csv WHERE ${textOf(label)} IS NOT NULL`,
    Key.labelPartition(declaration.name, day),
  );
  return delivery;
}

function modelName({ file, name }: TableRequest): string {
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

function wrongColumn(
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

function wrong(file: string, found: string, cause?: unknown): MeridianError {
  return new MeridianError(
    ErrorCode.InvalidInput,
    `${file}: found ${found}`,
    [{ field: 'file', found, expected: 'a CSV file with a header and rows' }],
    { cause },
  );
}
