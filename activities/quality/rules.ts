import type { QualityFinding } from '../../contracts/dataset';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { FeatureView } from '../../contracts/model';
import { identifier, literal, type Database, type PlainValue } from '../../platform/duckdb';

/** A rule about rows: which of them are bad, and how large a share of them is still accepted. */
export interface RowRule {
  check: string;
  /** SQL condition that a bad row fulfils. */
  bad: string;
  /** What bad rows are, after "212 of 50,000 rows": `have no customer_id`. */
  complaint: string;
  /** Share of all rows, 0 … 1. */
  allowedShare: number;
}

const EXAMPLES = 5;
const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });

/** A missing or repeated join key is never accepted. */
export function keyRules(keys: readonly string[]): RowRule[] {
  const missing = keys.map((key) => ({
    check: `${key} is there`,
    bad: `${identifier(key)} IS NULL`,
    complaint: `have no ${key}`,
    allowedShare: 0,
  }));
  const list = keys.map(identifier).join(', ');
  const repeated = {
    check: 'one row an entity',
    bad: `_repeat > 1 AND ${keys.map((key) => `${identifier(key)} IS NOT NULL`).join(' AND ')}`,
    complaint: `repeat the ${list.replaceAll('"', '')} of another row`,
    allowedShare: 0,
  };
  return [...missing, repeated];
}

/** The checks declared beside a feature; `column` is where its values lie. */
export function featureRules(feature: FeatureView['features'][number], column = feature.name): RowRule[] {
  const { maxNullShare, min, max, categories } = feature.checks ?? {};
  const value = identifier(column);
  const rules: RowRule[] = [];
  const rule = (check: string, bad: string, complaint: string, allowedShare = 0): void => {
    rules.push({ check: `${column} ${check}`, bad, complaint, allowedShare });
  };
  if (maxNullShare !== undefined) rule('is there', `${value} IS NULL`, `have no ${column}`, maxNullShare);
  if (feature.type === 'double' || feature.type === 'float') {
    rule('is finite', `NOT isfinite(${value})`, `have a ${column} that is not a finite number`);
  }
  if (min !== undefined) rule(`≥ ${min}`, `${value} < ${min}`, `have a ${column} below ${min}`);
  if (max !== undefined) rule(`≤ ${max}`, `${value} > ${max}`, `have a ${column} above ${max}`);
  if (categories) {
    const known = categories.map(literal).join(', ');
    rule(
      'is known',
      `${value} NOT IN (${known})`,
      `have a ${column} that is none of ${categories.join(', ')}`,
    );
  }
  return rules;
}

/**
 * Holds a table against the rules, in one pass over it. A table without rows is a finding.
 * @param keys Columns that name a row in the examples; also what `one row an entity` counts by.
 */
export async function checkRows(
  database: Database,
  table: string,
  where: string,
  keys: readonly string[],
  rules: readonly RowRule[],
): Promise<QualityFinding[]> {
  const list = keys.map(identifier).join(', ');
  const numbered = `(SELECT *, row_number() OVER (PARTITION BY ${list}) AS _repeat FROM ${identifier(table)})`;
  const counts = rules.map(({ bad }, index) => `count(*) FILTER (WHERE ${bad}) AS c${index}`);
  const totals = await database.row<Record<string, number>>(
    `SELECT ${['count(*) AS rows', ...counts].join(', ')} FROM ${numbered}`,
  );
  const rows = totals['rows']!;
  if (rows === 0) {
    return [{ where, check: 'there are rows', found: 'found no rows', expected: 'at least 1', examples: [] }];
  }
  const findings: QualityFinding[] = [];
  for (const [index, { check, bad, complaint, allowedShare }] of rules.entries()) {
    const count = totals[`c${index}`]!;
    if (count <= allowedShare * rows) continue;
    const examples = await database.rows(
      `SELECT DISTINCT ${list} FROM ${numbered} WHERE ${bad} ORDER BY ${list} LIMIT ${EXAMPLES}`,
    );
    findings.push({
      where,
      check,
      found: `${number.format(count)} of ${number.format(rows)} rows ${complaint}`,
      expected: number.format(Math.floor(allowedShare * rows)),
      examples: examples.map((row) => Object.values(row).map(shown).join(', ')),
    });
  }
  return findings;
}

const shown = (value: PlainValue): string => (value instanceof Date ? value.toISOString() : String(value));

const SHOWN = 10;

/** The findings as the error that blocks what they were found in. */
export function breach(findings: readonly QualityFinding[]): MeridianError {
  const told = findings.slice(0, SHOWN).map(({ where, found, expected, examples }) => {
    const forExample = examples.length > 0 ? `, for example ${examples.join('; ')}` : '';
    const word = /^[\d,]+$/.test(expected) ? 'allowed' : 'expected';
    return `${where}: ${found} (${word}: ${expected})${forExample}.`;
  });
  if (findings.length > SHOWN) told.push(`And ${findings.length - SHOWN} findings more.`);
  return new MeridianError(
    ErrorCode.DataQualityBreach,
    `${told.join(' ')} Nothing was written. Fix the source and resolve this run with {"action":"retry"}.`,
    findings.map(({ where, check, found, expected }) => ({ field: `${where}: ${check}`, found, expected })),
  );
}
