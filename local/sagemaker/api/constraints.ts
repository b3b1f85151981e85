import model from './model.json';
import { constraintError, serializationError } from './errors';

/** One shape of the service model: what a value must look like. */
interface Shape {
  type: string;
  required?: string[];
  min?: number;
  max?: number;
  pattern?: string;
  enum?: string[];
  members?: Record<string, string>;
  member?: string;
  key?: string;
  value?: string;
}

const shapes = model.shapes as unknown as Record<string, Shape>;
const operations = model.operations as Record<string, string>;

export const isOperation = (name: string): boolean => Object.hasOwn(operations, name);

/** Whole numbers that the model's types hold. */
const LARGEST = { integer: 2 ** 31 - 1, long: Number.MAX_SAFE_INTEGER };

/**
 * Reads a request of the operation: a wrong JSON type is a SerializationException, a violated constraint a
 * ValidationException in AWS's words, and so is a member that the model does not know: misspelt, it would not count.
 */
export function readRequest(operation: string, body: unknown): Record<string, unknown> {
  const violations: string[] = [];
  const request = read(operations[operation]!, body, '', violations);
  if (violations.length > 0) throw constraintError(violations);
  return request as Record<string, unknown>;
}

function read(name: string, value: unknown, path: string, violations: string[]): unknown {
  const shape = shapes[name]!;
  switch (shape.type) {
    case 'structure':
      return readStructure(shape, value, path, violations);
    case 'list': {
      if (!Array.isArray(value)) throw serializationError(unexpected(value, 'a list'));
      violations.push(...broken(shape, value.length, value, path));
      return value.map((item, i) => read(shape.member!, item, `${path}.${i + 1}.member`, violations));
    }
    case 'map':
      return readMap(shape, value, path, violations);
    case 'string': {
      if (typeof value !== 'string') throw serializationError(unexpected(value, 'a String'));
      violations.push(...broken(shape, value.length, value, path));
      return value;
    }
    case 'integer':
    case 'long': {
      if (typeof value !== 'number') throw serializationError(unexpected(value, 'a Number'));
      if (!Number.isInteger(value) || Math.abs(value) > LARGEST[shape.type]) {
        const type = shape.type === 'long' ? 'a Long' : 'an Integer';
        throw serializationError(`${unexpected(value, type)}: ${value}`);
      }
      violations.push(...broken(shape, value, value, path));
      return value;
    }
    case 'float':
    case 'double': {
      if (typeof value !== 'number') throw serializationError(unexpected(value, 'a Number'));
      violations.push(...broken(shape, value, value, path));
      return value;
    }
    case 'boolean': {
      if (typeof value !== 'boolean') throw serializationError(unexpected(value, 'a Boolean'));
      return value;
    }
    case 'timestamp': {
      if (typeof value !== 'number') throw serializationError(unexpected(value, 'a Timestamp'));
      return value;
    }
    default:
      throw new Error(`The service model has a shape of unknown type ${shape.type}: ${name}.`);
  }
}

function readStructure(shape: Shape, value: unknown, path: string, violations: string[]): object {
  if (!isObject(value)) throw serializationError(unexpected(value, 'a structure'));
  for (const member of shape.required ?? []) {
    if (value[member] === undefined || value[member] === null) {
      violations.push(
        `Value null at '${join(path, member)}' failed to satisfy constraint: Member must not be null`,
      );
    }
  }
  const given = Object.entries(value).filter(([, item]) => item !== undefined && item !== null);
  const members = shape.members ?? {};
  for (const [member, item] of given.filter(([name]) => !Object.hasOwn(members, name))) {
    const where = join(path, member);
    violations.push(
      `Value '${printed(item)}' at '${where}' failed to satisfy constraint: Member must be one that the operation knows`,
    );
  }
  const known = Object.entries(members).filter(
    ([member]) => value[member] !== undefined && value[member] !== null,
  );
  return Object.fromEntries(
    known.map(([member, of]) => [member, read(of, value[member], join(path, member), violations)]),
  );
}

function readMap(shape: Shape, value: unknown, path: string, violations: string[]): object {
  if (!isObject(value)) throw serializationError(unexpected(value, 'a map'));
  const entries = Object.entries(value).filter(([, item]) => item !== undefined && item !== null);
  violations.push(...broken(shape, entries.length, value, path));
  for (const [role, side] of [
    ['keys', shape.key!],
    ['value', shape.value!],
  ] as const) {
    const inner: string[] = [];
    for (const [key, item] of entries) read(side, role === 'keys' ? key : item, path, inner);
    const constraints = [...new Set(inner.map((text) => text.slice(text.indexOf('Member must'))))];
    if (constraints.length > 0) {
      violations.push(
        `Value '${printed(value)}' at '${path}' failed to satisfy constraint: Map ${role} must satisfy constraint: ` +
          `[${constraints.join(', ')}]`,
      );
    }
  }
  return Object.fromEntries(entries);
}

/** The constraints of a shape that a value breaks; `size` is its length, its count or the number itself. */
function broken(shape: Shape, size: number, value: unknown, path: string): string[] {
  const [less, greater] =
    typeof value === 'number'
      ? ['value less than or equal to', 'value greater than or equal to']
      : ['length less than or equal to', 'length greater than or equal to'];
  const constraints: string[] = [];
  if (shape.max !== undefined && size > shape.max) constraints.push(`have ${less} ${shape.max}`);
  if (shape.min !== undefined && size < shape.min) constraints.push(`have ${greater} ${shape.min}`);
  if (shape.pattern && !expression(shape.pattern).test(String(value))) {
    constraints.push(`satisfy regular expression pattern: ${shape.pattern}`);
  }
  if (shape.enum && !shape.enum.includes(String(value))) {
    constraints.push(`satisfy enum value set: [${shape.enum.join(', ')}]`);
  }
  return constraints.map(
    (constraint) =>
      `Value '${printed(value)}' at '${path}' failed to satisfy constraint: Member must ${constraint}`,
  );
}

/** The model's patterns are Java's and must match the whole value. */
const expression = (pattern: string): RegExp =>
  new RegExp(`^(?:${pattern.replaceAll('\\p{Alnum}', 'a-zA-Z0-9')})$`, 'u');

function printed(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printed).join(', ')}]`;
  if (isObject(value)) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${key}=${printed(item)}`)
      .join(', ')}}`;
  }
  return String(value);
}

function unexpected(value: unknown, expected: string): string {
  if (typeof value === 'object') return 'Start of structure or map found where not expected.';
  const kind = typeof value === 'boolean' ? `${String(value).toUpperCase()}_VALUE` : `${typeof value}_VALUE`;
  return `${kind.toUpperCase()} can not be converted to ${expected}`;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const join = (path: string, member: string): string => {
  const camel = member.charAt(0).toLowerCase() + member.slice(1);
  return path === '' ? camel : `${path}.${camel}`;
};
