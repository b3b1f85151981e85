import { CsvError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { ErrorCode, MeridianError } from '../../contracts/errors';

/** The rows of a CSV text by the columns of its first line (RFC 4180: quotes around commas, quotes and line breaks). */
export type CsvRow = Record<string, string>;

/**
 * @param where What to call the file in messages.
 * @throws MeridianError InvalidInput where the text is no CSV, is not UTF-8, or lacks one of the columns
 */
export function parseCsv(content: Buffer, where: string, required: readonly string[]): CsvRow[] {
  const rows = readRows(decode(content, where), where);
  const [header = [], ...body] = rows;
  const lacking = required.filter((column) => !header.includes(column));
  if (lacking.length > 0)
    throw refusal(
      where,
      `the columns ${header.join(', ') || '(none)'}`,
      `the columns ${required.join(', ')}`,
    );
  const repeated = header.find((column, index) => header.indexOf(column) !== index);
  if (repeated !== undefined)
    throw refusal(where, `the column ${repeated} more than once`, 'each column once');
  return body.map((cells) =>
    Object.fromEntries<string>(header.map((column, index) => [column, cells[index]!])),
  );
}

export const formatCsv = (columns: readonly string[], rows: readonly CsvRow[]): string =>
  stringify(
    rows.map((row) => columns.map((column) => row[column] ?? '')),
    // A lone carriage return would otherwise be taken for the end of a line by others.
    { header: true, columns: [...columns], quoted_match: /\r/, quoted_empty: true },
  );

function decode(content: Buffer, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (cause) {
    throw refusal(where, 'bytes that are not UTF-8', 'text in UTF-8', cause);
  }
}

function readRows(text: string, where: string): string[][] {
  try {
    return parse(text, { skip_empty_lines: true });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    // Its words may hold cells of the file.
    const line = typeof cause['lines'] === 'number' ? ` at line ${cause['lines']}` : '';
    throw refusal(
      where,
      `${cause.code.replace(/^CSV_/, '').replaceAll('_', ' ').toLowerCase()}${line}`,
      'CSV',
      cause,
    );
  }
}

const refusal = (where: string, found: string, expected: string, cause?: unknown): MeridianError =>
  new MeridianError(
    ErrorCode.InvalidInput,
    `${where}: expected ${expected}, found ${found}. Nothing was submitted. Correct the file and submit it again.`,
    [{ field: where, found, expected }],
    { cause },
  );
