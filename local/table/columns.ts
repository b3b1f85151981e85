import type { FeatureView } from '../../contracts/model';
import { RESERVED_COLUMNS, RESERVED_PREFIX } from '../../features/rules';
import { identifier, type Database } from '../../platform/duckdb';

/** A string with more values than this says who a row is rather than what it is like. */
const MOST_CATEGORIES = 50;
/** Columns of the platform's own beside the features. */
const RESERVED = new Set([...RESERVED_COLUMNS, 'label', '_split']);

const TRUE_WORDS = ['1', 'true', 'yes'];
const BOOLEAN_WORDS = [...TRUE_WORDS, '0', 'false', 'no'];

export interface TableColumn {
  name: string;
  /** SQL of the value in its type, out of a table of texts. */
  sql: string;
  type: FeatureView['features'][number]['type'];
}

export const isTrue = (text: string): boolean => TRUE_WORDS.includes(text.toLowerCase());

/** A cell's text without the spaces around it; blank is missing. */
export const textOf = (column: string): string => `nullif(trim(${identifier(column)}), '')`;

/**
 * What a column holds, by its values: yes/no, true/false or 1/0 is a boolean, numbers are numbers, few different strings
 * are categories. Everything else is left out, with a note that says why.
 */
export async function inferColumn(
  database: Database,
  table: string,
  name: string,
): Promise<{ column: TableColumn } | { note: string }> {
  if (RESERVED.has(name.toLowerCase()) || name.startsWith(RESERVED_PREFIX)) {
    return { note: `${name} is left out: its name is one of the platform's own.` };
  }
  const text = textOf(name);
  const words = BOOLEAN_WORDS.map((word) => `'${word}'`).join(', ');
  const found = await database.row<{ values: number; different: number; numbers: number; booleans: number }>(
    `SELECT count(${text}) AS "values", count(DISTINCT ${text}) AS different,
       count(*) FILTER (isfinite(TRY_CAST(${text} AS DOUBLE))) AS numbers,
       count(*) FILTER (lower(${text}) IN (${words})) AS booleans
     FROM ${identifier(table)}`,
  );
  if (found.different === 0) return { note: `${name} is left out: it is blank in every row.` };
  if (found.different === 1) return { note: `${name} is left out: it has the same value in every row.` };
  if (found.booleans === found.values) {
    const trueWords = TRUE_WORDS.map((word) => `'${word}'`).join(', ');
    return { column: { name, type: 'bool', sql: `lower(${text}) IN (${trueWords})` } };
  }
  if (found.numbers === found.values) {
    return { column: { name, type: 'double', sql: `CAST(${text} AS DOUBLE)` } };
  }
  if (found.different > MOST_CATEGORIES) {
    return {
      note: `${name} is left out: ${found.different} different texts (at most ${MOST_CATEGORIES} make a category).`,
    };
  }
  return { column: { name, type: 'string', sql: text } };
}
