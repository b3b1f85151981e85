import { ErrorCode, MeridianError, show, type FieldProblem, problemText } from '../../contracts/errors';

/** The parameters a route takes, with the values that each may have. */
export type QuerySpec = Readonly<Record<string, readonly string[]>>;
export type Query = Readonly<Record<string, string | undefined>>;

const NONE: Query = {};

/**
 * Reads what follows the `?` of a URL.
 * @throws InvalidInput naming every parameter that the route does not take, or that has a value it does not know, or two.
 */
export function readQuery(text: string, spec: QuerySpec = {}): Query {
  if (text === '') return NONE;
  const query = new Map<string, string>();
  const fields: FieldProblem[] = [];
  for (const [name, value] of new URLSearchParams(text)) {
    const allowed = Object.hasOwn(spec, name) ? spec[name]! : null;
    if (!allowed) fields.push({ field: show(name), found: show(value), expected: unknown(spec) });
    else if (query.has(name)) fields.push({ field: name, found: 'several values', expected: 'one value' });
    else if (!allowed.includes(value))
      fields.push({ field: name, found: show(value), expected: allowed.join(' or ') });
    else query.set(name, value);
  }
  if (fields.length === 0) return Object.fromEntries(query);
  const told = fields.map(problemText);
  throw new MeridianError(ErrorCode.InvalidInput, `Query parameters: ${told.join('; ')}.`, fields);
}

const unknown = (spec: QuerySpec): string =>
  `no such parameter (known: ${Object.keys(spec).join(', ') || 'none'})`;
