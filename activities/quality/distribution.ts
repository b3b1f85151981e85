import type { FeatureView } from '../../contracts/model';
import { identifier, literal, type Database } from '../../platform/duckdb';
import { SQL_TYPE } from '../../platform/duckdb-types';
import { populationStabilityIndex } from './psi';
import { number, type Inspection, type RowRule } from './rules';

type Feature = FeatureView['features'][number];

/** What a partition is compared with: the last good one, as a DuckDB table of its own. */
export interface Reference {
  table: string;
  /** Names it in what is told: `dt=2026-11-19`. */
  name: string;
  rows: number;
}

/**
 * Fewest rows on both sides. Among fewer, chance alone moves the index too far: with ten deciles and n rows a side it
 * comes to about 18 / n where nothing has changed: 0.09 at 200 rows, and below 0.17 in 95 of 100 cases.
 */
const LEAST_ROWS = 200;
/** Of more categories the most frequent have a bin each; the rest share one with those never seen before. */
const MOST_CATEGORIES = 50;
const FENCE = 3;
const DECILES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

const isNumeric = ({ type }: Feature): boolean => type !== 'string' && type !== 'bool';

/** The share of values beyond three interquartile ranges outside the reference's quartiles (Tukey's outer fences). */
export async function outlierRules(
  database: Database,
  reference: Reference,
  features: readonly Feature[],
): Promise<{ rules: RowRule[]; notJudged: string[] }> {
  const rules: RowRule[] = [];
  const notJudged: string[] = [];
  for (const feature of features.filter(isNumeric)) {
    const allowedShare = feature.checks?.maxOutlierShare;
    if (allowedShare === undefined) continue;
    const { name } = feature;
    const column = identifier(name);
    const { rows, low, high } = await database.row<{ rows: number; low: number; high: number }>(
      `SELECT count(${column}) AS rows, quantile_cont(${column}::DOUBLE, 0.25) AS low,
              quantile_cont(${column}::DOUBLE, 0.75) AS high FROM ${identifier(reference.table)}`,
    );
    if (rows < LEAST_ROWS) {
      notJudged.push(`outliers of ${name}: ${tooFew(`${reference.name} has ${number.format(rows)} values`)}`);
    } else if (low === high) {
      notJudged.push(
        `outliers of ${name}: not judged, half of ${reference.name} has the same value, ${number.format(low)}`,
      );
    } else {
      const reach = FENCE * (high - low);
      rules.push({
        check: `outliers of ${name}`,
        bad: `${column}::DOUBLE < ${low - reach} OR ${column}::DOUBLE > ${high + reach}`,
        among: `${column} IS NOT NULL`,
        complaint: `have a ${name} outside ${number.format(low - reach)} to ${number.format(high + reach)} (${FENCE} interquartile ranges outside the quartiles of ${reference.name})`,
        allowedShare,
      });
    }
  }
  return { rules, notJudged };
}

/** The index of each feature that declares a largest one, and which of them is the largest. */
export async function inspectStability(
  database: Database,
  table: string,
  rows: number,
  reference: Reference,
  where: string,
  features: readonly Feature[],
): Promise<Inspection & { worst: { feature: string; index: number } | null }> {
  const inspection: Inspection = { checks: [], findings: [] };
  let worst: { feature: string; index: number } | null = null;
  for (const feature of features) {
    const allowed = feature.checks?.maxPsi;
    if (allowed === undefined) continue;
    const check = `PSI of ${feature.name}`;
    if (Math.min(rows, reference.rows) < LEAST_ROWS) {
      const counted = `${number.format(rows)} here, ${number.format(reference.rows)} in ${reference.name}`;
      inspection.checks.push(`${check}: ${tooFew(counted)}`);
      continue;
    }
    const index = await stabilityOf(database, table, reference.table, feature);
    if (!worst || index > worst.index) worst = { feature: feature.name, index };
    const found = `${feature.name} has a PSI of ${index.toFixed(3)} against ${reference.name}`;
    inspection.checks.push(`${check}: ${index.toFixed(3)} against ${reference.name}, at most ${allowed}`);
    if (index > allowed)
      inspection.findings.push({ where, check, found, expected: `at most ${allowed}`, examples: [] });
  }
  return { ...inspection, worst };
}

const tooFew = (counted: string): string =>
  `too few rows to judge (${counted}; at least ${LEAST_ROWS} are needed)`;

/**
 * The index of one feature. Bins: a number's are the reference's deciles, open at both ends; a category's are the
 * reference's categories and one for all others. Nulls have a bin of their own.
 */
export async function stabilityOf(
  database: Database,
  current: string,
  reference: string,
  feature: Feature,
): Promise<number> {
  const bin = isNumeric(feature)
    ? await decileBin(database, reference, feature)
    : await categoryBin(database, reference, feature);
  const bins = await database.rows<{ reference: number; current: number }>(
    `SELECT count(*) FILTER (NOT _current) AS reference, count(*) FILTER (_current) AS current
     FROM (SELECT ${bin} AS _bin, false AS _current FROM ${identifier(reference)}
           UNION ALL SELECT ${bin}, true FROM ${identifier(current)})
     GROUP BY _bin`,
  );
  return populationStabilityIndex(
    bins.map((counts) => counts.reference),
    bins.map((counts) => counts.current),
  );
}

/**
 * SQL: the number of deciles below the value; null for null. A value that several deciles share has a bin of its own:
 * where half of the rows were 0, values below 0 are something else than more zeros.
 */
async function decileBin(database: Database, reference: string, { name, type }: Feature): Promise<string> {
  const column = identifier(name);
  const deciles = await database.rows<{ edge: string; shared: boolean }>(
    `SELECT edge::VARCHAR AS edge, count(*) > 1 AS shared
     FROM (SELECT unnest(quantile_disc(${column}, [${DECILES.join(', ')}])) AS edge FROM ${identifier(reference)})
     GROUP BY edge`,
  );
  if (deciles.length === 0) return `CASE WHEN ${column} IS NULL THEN NULL ELSE 0 END`;
  return deciles
    .flatMap(({ edge, shared }) => (shared ? ['>', '>='] : ['>']).map((sign) => ({ edge, sign })))
    .map(({ edge, sign }) => `(${column} ${sign} ${literal(edge)}::${SQL_TYPE[type]})::INTEGER`)
    .join(' + ');
}

/** SQL: the category's place among the reference's; 0 for all others, null for null. */
async function categoryBin(database: Database, reference: string, { name }: Feature): Promise<string> {
  const text = `${identifier(name)}::VARCHAR`;
  const categories = await database.rows<{ category: string }>(
    `SELECT ${text} AS category FROM ${identifier(reference)} WHERE ${text} IS NOT NULL
     GROUP BY category ORDER BY count(*) DESC, category LIMIT ${MOST_CATEGORIES}`,
  );
  const list = categories.map(({ category }) => literal(category)).join(', ');
  return `CASE WHEN ${text} IS NULL THEN NULL ELSE coalesce(list_position([${list}]::VARCHAR[], ${text}), 0) END`;
}
