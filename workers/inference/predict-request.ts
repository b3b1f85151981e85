import { ErrorCode, MeridianError, type FieldProblem, problemText } from '../../contracts/errors';
import type { PredictRow } from '../../contracts/scoring';

/** A row whose shape is right: one of the two is there. */
export type CheckedRow =
  { features: Record<string, unknown>; entity: null } | { features: null; entity: Record<string, unknown> };

/** What is asked for, or what is wrong with the asking. */
export function checkRow(row: PredictRow): CheckedRow | MeridianError {
  const { features, entity } = row as { features?: unknown; entity?: unknown };
  if (features !== undefined && entity === undefined) {
    if (isObject(features)) return { features, entity: null };
    return wrong([
      { field: 'features', found: kindOf(features), expected: 'an object of feature values by name' },
    ]);
  }
  if (entity !== undefined && features === undefined) {
    if (isObject(entity)) return { features: null, entity };
    return wrong([{ field: 'entity', found: kindOf(entity), expected: 'an object of join keys' }]);
  }
  const found = features === undefined ? 'neither' : 'both';
  return wrong([{ field: '(input)', found, expected: 'exactly one of features and entity' }]);
}

function wrong(fields: FieldProblem[]): MeridianError {
  const text = fields.map(problemText);
  return new MeridianError(ErrorCode.InvalidInput, `${text.join('; ')}.`, fields);
}

/** A value without its content, which may be personal. */
function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
