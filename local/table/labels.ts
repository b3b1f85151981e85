import { show } from '../../contracts/errors';
import { literal, type Database } from '../../platform/duckdb';
import { isTrue, textOf } from './columns';
import { ROWS, wrongColumn } from './read';

/** A column of the file as labels. */
export interface Labels {
  /** SQL of the stored label; null in rows that have none. */
  sql: string;
  /** Of classifiers: as people call them, in the order of their indexes. */
  classes?: string[];
}

const MOST_CLASSES = 500;
/** Of fewer, none might be among the rows that are trained on. */
const LEAST_ROWS_OF_A_CLASS = 8;
const SHOWN = 5;

/** Two values: positive is the one that says yes, else the rarer. @throws MeridianError InvalidInput */
export async function binaryLabels(
  database: Database,
  file: string,
  label: string,
): Promise<Labels & { classes: [negative: string, positive: string] }> {
  const values = await database.rows<{ value: string }>(
    `SELECT ${textOf(label)} AS value FROM ${ROWS} WHERE value IS NOT NULL GROUP BY value ORDER BY count(*), value LIMIT 100`,
  );
  const [rarer, commoner] = values.map(({ value }) => value);
  if (values.length !== 2 || rarer === undefined || commoner === undefined) {
    const some = values
      .slice(0, SHOWN)
      .map(({ value }) => show(value))
      .join(', ');
    const count = values.length === 100 ? '100 or more' : String(values.length);
    const areNumbers = values.length > 2 && values.every(({ value }) => Number.isFinite(Number(value)));
    const expected = `two different values${areNumbers ? '; to predict numbers, ask for regression' : ''}`;
    throw wrongColumn(file, 'label', label, `${count} different values (${some})`, expected);
  }
  const [negative, positive] = isTrue(commoner) && !isTrue(rarer) ? [rarer, commoner] : [commoner, rarer];
  return { sql: `CAST(${textOf(label)} = ${literal(positive)} AS INTEGER)`, classes: [negative, positive] };
}

/** Finite numbers, of which some differ. @throws MeridianError InvalidInput */
export async function numberLabels(database: Database, file: string, label: string): Promise<Labels> {
  const value = `TRY_CAST(${textOf(label)} AS DOUBLE)`;
  const bad = await database.rows<{ text: string }>(
    `SELECT ${textOf(label)} AS text FROM ${ROWS}
     WHERE text IS NOT NULL AND coalesce(NOT isfinite(${value}), true) LIMIT 1`,
  );
  if (bad[0]) throw wrongColumn(file, 'label', label, show(bad[0].text), 'finite numbers');
  const { different } = await database.row<{ different: number }>(
    `SELECT count(DISTINCT ${value}) AS different FROM ${ROWS}`,
  );
  if (different < 2)
    throw wrongColumn(file, 'label', label, `${different} different values`, 'numbers that differ');
  return { sql: value };
}

/** Names of classes, in alphabetical order. @throws MeridianError InvalidInput */
export async function classLabels(
  database: Database,
  file: string,
  label: string,
): Promise<Labels & { classes: string[] }> {
  const values = await database.rows<{ value: string; times: number }>(
    `SELECT ${textOf(label)} AS value, count(*) AS times FROM ${ROWS} WHERE value IS NOT NULL GROUP BY value ORDER BY value`,
  );
  if (values.length < 2 || values.length > MOST_CLASSES) {
    const some = values.slice(0, SHOWN).map(({ value }) => show(value));
    const found = `${values.length} different values (${some.join(', ')})`;
    throw wrongColumn(file, 'label', label, found, `2 to ${MOST_CLASSES} classes`);
  }
  const rare = values.filter(({ times }) => times < LEAST_ROWS_OF_A_CLASS);
  if (rare.length > 0) {
    const some = rare.slice(0, SHOWN).map(({ value, times }) => `${show(value)} ${times}`);
    const found = `${rare.length} classes of too few rows (${some.join(', ')})`;
    throw wrongColumn(file, 'label', label, found, `at least ${LEAST_ROWS_OF_A_CLASS} rows of each class`);
  }
  return { sql: textOf(label), classes: values.map(({ value }) => value) };
}
