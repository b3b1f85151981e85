import type { ErrorObject, ValidateFunction } from 'ajv';
import { ErrorCode, MeridianError, show, type FieldProblem } from './errors';

/**
 * Checks `value` against a schema compiled ahead of time and fills in the schema's defaults (on a copy).
 * @throws MeridianError InvalidInput, listing every field with what was found and what was expected.
 */
export function parse<T>(validate: ValidateFunction, what: string, value: unknown): T {
  const copy: unknown = value === undefined ? {} : JSON.parse(JSON.stringify(value));
  const fields = findProblems(validate, copy);
  if (fields.length === 0) return copy as T;
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `${what}: ${fields.map((f) => `${f.field}: expected ${f.expected}, found ${f.found}`).join('; ')}. ` +
      'Nothing was done. Start again with a corrected input.',
    fields,
  );
}

/** What is wrong with `value`, which is checked as it is; defaults of the schema are filled in. */
export function findProblems(validate: ValidateFunction, value: unknown): FieldProblem[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).filter((error) => error.keyword !== 'if').map(problem);
}

function problem(error: ErrorObject): FieldProblem {
  const path = error.instancePath.slice(1).replaceAll('/', '.');
  const params = error.params as Record<string, unknown>;
  const child = params['missingProperty'] ?? params['additionalProperty'];
  const field = [path, child].filter((part) => part !== undefined && part !== '').join('.') || '(input)';
  switch (error.keyword) {
    case 'required':
      return { field, found: 'nothing', expected: 'a value (required)' };
    case 'additionalProperties': {
      const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
      const found = (error.data as Record<string, unknown>)[String(child)];
      return { field, found: show(found), expected: `no such field (known: ${known.join(', ')})` };
    }
    case 'enum':
      return {
        field,
        found: show(error.data),
        expected: `one of ${(params['allowedValues'] as unknown[]).join(', ')}`,
      };
    case 'format':
    case 'pattern': {
      const description = (error.parentSchema as { description?: string }).description;
      return {
        field,
        found: show(error.data),
        expected: description ?? `text matching ${String(params['pattern'] ?? params['format'])}`,
      };
    }
    case 'type':
      return { field, found: show(error.data), expected: [params['type']].flat().join(' or ') };
    default:
      return {
        field,
        found: show(error.data),
        expected: (error.message ?? error.keyword).replace(/^must (be )?/, ''),
      };
  }
}
