import type { SupervisedDeclaration } from '../../contracts/model';
import { identifier, type Database } from '../../platform/duckdb';

export interface LabelCounts {
  rows: number;
  /** Of a tabular classifier: rows of the positive class. */
  positives?: number;
  /** Of a text classifier: rows by class, every declared one, in the declared order. */
  classes?: Record<string, number>;
}

/** Counts a table of stored labels. */
export async function countLabels(
  database: Database,
  table: string,
  { kind, label }: SupervisedDeclaration,
): Promise<LabelCounts> {
  const from = identifier(table);
  if (kind === 'tabular-classifier') {
    return database.row<{ rows: number; positives: number }>(
      `SELECT count(*) AS rows, count(*) FILTER (label = 1) AS positives FROM ${from}`,
    );
  }
  const { rows } = await database.row<{ rows: number }>(`SELECT count(*) AS rows FROM ${from}`);
  if (kind !== 'text-classifier') return { rows };
  const counts = await database.rows<{ name: string; rows: number }>(
    `SELECT label::VARCHAR AS name, count(*) AS rows FROM ${from} GROUP BY name`,
  );
  return { rows, classes: byClass(label.classes ?? [], new Map(counts.map((one) => [one.name, one.rows]))) };
}

/** Every class with its count, 0 where it has none. */
export const byClass = (
  classes: readonly string[],
  counts: ReadonlyMap<string, number>,
): Record<string, number> => Object.fromEntries(classes.map((name) => [name, counts.get(name) ?? 0]));

/** The counts of several tables as one. */
export function sumCounts(all: readonly LabelCounts[]): LabelCounts {
  const sum = (values: readonly (number | undefined)[]): number =>
    values.reduce<number>((total, value) => total + (value ?? 0), 0);
  const rows = sum(all.map((one) => one.rows));
  if (all.some(({ classes }) => classes)) {
    const names = [...new Set(all.flatMap(({ classes = {} }) => Object.keys(classes)))];
    const classes = names.map((name) => [name, sum(all.map((one) => one.classes?.[name]))]);
    return { rows, classes: Object.fromEntries(classes) as Record<string, number> };
  }
  if (all.every(({ positives }) => positives === undefined)) return { rows };
  return { rows, positives: sum(all.map(({ positives }) => positives)) };
}
