import type { PredictRow } from '../../contracts/scoring';

/**
 * The row with whatever a value holds left out. No model takes a value that holds others, which the row's own answer says;
 * nested deep enough it could not be written down, and would hold up the scorer of everyone.
 */
export function withoutDepth(row: PredictRow): PredictRow {
  const flat = { ...row };
  if (row.features !== undefined) flat.features = emptied(row.features);
  if (row.entity !== undefined) flat.entity = emptied(row.entity);
  return flat;
}

function emptied(values: Record<string, unknown>): Record<string, unknown> {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return hollow(values) as never;
  const entries = Object.entries(values);
  if (!entries.some(([, value]) => typeof value === 'object' && value !== null)) return values;
  return Object.fromEntries(entries.map(([name, value]) => [name, hollow(value)]));
}

function hollow(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? [] : {};
}
