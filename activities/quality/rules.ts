import type { QualityFinding } from '../../contracts/dataset';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { mask } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import { identifier, literal, type Database, type PlainValue } from '../../platform/duckdb';

/** A rule about rows: which of them are bad, and how large a share of them is still accepted. */
export interface RowRule {
  check: string;
  /** SQL condition that a bad row fulfils. */
  bad: string;
  /** What bad rows are, after "212 of 50,000 rows": `have no customer_id`. */
  complaint: string;
  /** Share of the rows judged, 0 … 1. */
  allowedShare: number;
  /** SQL condition of the rows that are judged; all of them without one. */
  among?: string;
  /** Judges a row by the number (`_repeat`, from 1) it has among those of the same names. */
  repeats?: true;
}

/** What was looked at, each with what was measured, and what was found wrong. */
export interface Inspection {
  checks: string[];
  findings: QualityFinding[];
}

const EXAMPLES = 5;
const NOBODY: ReadonlySet<string> = new Set();
export const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });

/** A missing or repeated join key is never accepted. */
export const keyRules = (keys: readonly string[]): RowRule[] => [
  ...keys.map((key) => missingRule(key, 0)),
  repeatedRule('one row an entity', keys, keys),
];

export const missingRule = (column: string, allowedShare: number): RowRule => ({
  check: `${column} is there`,
  bad: `${identifier(column)} IS NULL`,
  complaint: `have no ${column}`,
  allowedShare,
});

/** Rows that repeat the names of another (those that `inspectRows` is given); only rows with all of `present` count. */
export const repeatedRule = (
  check: string,
  names: readonly string[],
  present: readonly string[],
): RowRule => ({
  check,
  bad: `_repeat > 1 AND ${present.map((name) => `${identifier(name)} IS NOT NULL`).join(' AND ')}`,
  complaint: `repeat the ${names.join(', ')} of another row`,
  allowedShare: 0,
  repeats: true,
});

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
 * Holds a table against the rules. A table without rows is a finding.
 * @param names Columns that name a row in the examples; also what a repeated row repeats.
 * @param personal Columns whose values are masked in the examples.
 */
export async function inspectRows(
  database: Database,
  table: string,
  where: string,
  names: readonly string[],
  rules: readonly RowRule[],
  personal: ReadonlySet<string> = NOBODY,
): Promise<Inspection> {
  const list = names.map(identifier).join(', ');
  const all = identifier(table);
  // Numbering is dear with all of the columns, and cheap with those of the names.
  const numbered = `(SELECT ${list}, row_number() OVER (PARTITION BY ${list}) AS _repeat FROM ${all})`;
  const rowsOf = ({ repeats }: RowRule): string => (repeats ? numbered : all);
  const counts = new Map<RowRule, { bad: number; of: number }>();
  for (const from of [all, numbered]) {
    const judged = rules.filter((rule) => rowsOf(rule) === from);
    for (const [rule, count] of await countRows(database, from, judged)) counts.set(rule, count);
  }
  const { rows } = await database.row<{ rows: number }>(`SELECT count(*) AS rows FROM ${all}`);
  if (rows === 0) {
    const check = 'there are rows';
    return {
      checks: [`${check}: found none`],
      findings: [{ where, check, found: 'found no rows', expected: 'at least 1', examples: [] }],
    };
  }
  const inspection: Inspection = { checks: [], findings: [] };
  for (const [rule, count] of counts) {
    const found = `${number.format(count.bad)} of ${number.format(count.of)} rows ${rule.complaint}`;
    inspection.checks.push(`${rule.check}: ${found}`);
    if (count.bad <= rule.allowedShare * count.of) continue;
    const examples = await database.rows(
      `SELECT DISTINCT ${list} FROM ${rowsOf(rule)} WHERE ${badRows(rule)} ORDER BY ${list} LIMIT ${EXAMPLES}`,
    );
    inspection.findings.push({
      where,
      check: rule.check,
      found,
      expected: number.format(Math.floor(rule.allowedShare * count.of)),
      examples: examples.map((row) =>
        Object.entries(row)
          .map(([column, value]) => (personal.has(column) ? mask(value) : shown(value)))
          .join(', '),
      ),
    });
  }
  return inspection;
}

const judgedRows = ({ among = 'true' }: RowRule): string => `(${among})`;
const badRows = (rule: RowRule): string => `${judgedRows(rule)} AND (${rule.bad})`;

/** How many rows each rule judges, and how many of them are bad: in one pass. */
async function countRows(
  database: Database,
  from: string,
  rules: readonly RowRule[],
): Promise<[RowRule, { bad: number; of: number }][]> {
  if (rules.length === 0) return [];
  const counts = rules.flatMap((rule, index) => [
    `count(*) FILTER (WHERE ${badRows(rule)}) AS bad${index}`,
    `count(*) FILTER (WHERE ${judgedRows(rule)}) AS of${index}`,
  ]);
  const totals = await database.row<Record<string, number>>(`SELECT ${counts.join(', ')} FROM ${from}`);
  return rules.map((rule, index) => [rule, { bad: totals[`bad${index}`]!, of: totals[`of${index}`]! }]);
}

/** What `inspectRows` found wrong. */
export const checkRows = async (...inspected: Parameters<typeof inspectRows>): Promise<QualityFinding[]> =>
  (await inspectRows(...inspected)).findings;

const shown = (value: PlainValue): string => (value instanceof Date ? value.toISOString() : String(value));

const SHOWN = 10;

/**
 * The findings as the error that blocks what they were found in.
 * @param report Where the whole report is kept.
 */
export function breach(findings: readonly QualityFinding[], report?: string): MeridianError {
  const told = findings.slice(0, SHOWN).map(({ where, found, expected, examples }) => {
    const forExample = examples.length > 0 ? `, for example ${examples.join('; ')}` : '';
    const word = /^[\d,]+$/.test(expected) ? 'allowed' : 'expected';
    return `${where}: ${found} (${word}: ${expected})${forExample}.`;
  });
  if (findings.length > SHOWN) told.push(`And ${findings.length - SHOWN} findings more.`);
  if (report !== undefined) told.push(`The whole report: ${report}.`);
  return new MeridianError(
    ErrorCode.DataQualityBreach,
    `${told.join(' ')} Nothing was written. Fix the source and resolve this run with {"action":"retry"}.`,
    findings.map(({ where, check, found, expected }) => ({ field: `${where}: ${check}`, found, expected })),
  );
}
