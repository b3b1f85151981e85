import { join } from 'node:path';
import { endOfDay, type Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import { personalColumns } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import { identifier, parquetFiles, type Database, type DatabaseOptions } from '../../platform/duckdb';
import { castColumns, columnTypes } from '../../platform/duckdb-types';
import { explainCorruption, type PartitionCache } from '../../platform/partitions';
import { inspectStability, outlierRules, type Reference } from '../quality/distribution';
import { featureRules, inspectRows, number, type Inspection, type RowRule } from '../quality/rules';
import { inspectFreshness, inspectRowCount } from '../quality/volume';
import { declaredColumns } from './columns';
import { needsReference, type Compared } from './compute-compared';

/** A partition's checks and findings, and what is worth telling of them in a line. */
export interface PartitionInspection extends Inspection {
  rows: number;
  summary: string;
}

export const partitionName = (view: FeatureView, day: Day): string =>
  `${Key.featureView(view).slice(0, -1)} dt=${day}`;

/** Sorting and joining spill beside the pulled partitions, and go with them. */
export const spillingInto = ({ folder }: PartitionCache): DatabaseOptions => ({
  temporaryFolder: join(folder, 'spill'),
});

/** A partition whose columns and types are as declared. */
export interface TypedPartition {
  day: Day;
  /** DuckDB table or view: join keys, event_timestamp, features. */
  table: string;
  /** Columns that name a row, and that no other row may repeat. */
  names: string[];
  /** What is known of its rows beside the checks declared beside the features. */
  rules: RowRule[];
}

/**
 * Holds a partition against the checks declared beside the view and its features, and against the last good one, whose
 * rows are pulled only where a check needs them.
 */
export async function inspectPartition(
  database: Database,
  view: FeatureView,
  { day, table, names, rules }: TypedPartition,
  compared: Compared | null,
): Promise<PartitionInspection> {
  const where = partitionName(view, day);
  const { rows, newest } = await database.row<{ rows: number; newest: Date | null }>(
    `SELECT count(*) AS rows, max(event_timestamp) FILTER (event_timestamp <= $end::TIMESTAMPTZ) AS newest
     FROM ${identifier(table)}`,
    { end: endOfDay(day) },
  );
  const volume = inspectRowCount(view.checks, where, rows, compared);
  const parts: Inspection[] = [
    volume,
    inspectFreshness(view.checks, where, day, newest?.toISOString() ?? null),
  ];
  const comparison = await defineReference(database, view, compared);
  const outliers = comparison.reference
    ? await outlierRules(database, comparison.reference, comparison.features)
    : { rules: [], notJudged: [] };
  parts.push(
    await inspectRows(
      database,
      table,
      where,
      names,
      [...rules, ...view.features.flatMap((feature) => featureRules(feature)), ...outliers.rules],
      personalColumns(view),
    ),
    { checks: [...outliers.notJudged, ...comparison.notJudged], findings: [] },
  );
  let worst = '';
  if (comparison.reference) {
    const stability = await inspectStability(
      database,
      table,
      rows,
      comparison.reference,
      where,
      comparison.features,
    );
    parts.push(stability);
    if (stability.worst)
      worst = `; largest PSI ${stability.worst.index.toFixed(3)} (${stability.worst.feature})`;
  }
  const checks = parts.flatMap((part) => part.checks);
  return {
    rows,
    checks,
    findings: parts.flatMap((part) => part.findings),
    summary: `dt=${day}: ${volume.checks[0]}; ${number.format(checks.length)} checks${worst}`,
  };
}

/** What is compared with as the table `__reference`, and the features that can be. */
async function defineReference(
  database: Database,
  view: FeatureView,
  compared: Compared | null,
): Promise<{ reference: Reference | null; features: FeatureView['features']; notJudged: string[] }> {
  const features = view.features.filter(needsReference);
  if (features.length === 0) return { reference: null, features, notJudged: [] };
  if (!compared) {
    const notJudged = features.map(({ name }) => `${name}: no good partition of late to compare with`);
    return { reference: null, features, notJudged };
  }
  const pulled = await compared.pull();
  const files = parquetFiles(pulled.map(({ path }) => path));
  const name = `dt=${compared.day}`;
  const found = await explainCorruption(database, pulled, () => columnTypes(database, files));
  const known = features.filter((feature) => found.has(feature.name));
  const columns = castColumns(
    declaredColumns(view).filter((column) => known.some((one) => one.name === column.name)),
  );
  if (known.length > 0) {
    await explainCorruption(database, pulled, () =>
      database.execute(`CREATE TABLE __reference AS SELECT ${columns.join(', ')} FROM ${files}`),
    );
  }
  return {
    reference: known.length > 0 ? { table: '__reference', name, rows: compared.rows } : null,
    features: known,
    notJudged: features
      .filter((feature) => !known.includes(feature))
      .map((feature) => `${feature.name}: ${name} has no ${feature.name} to compare with`),
  };
}
