import { ErrorCode, MeridianError, show } from '../../../contracts/errors';
import { MAX_INSTANCES } from '../../../contracts/scoring';

/** A tensor of a request, its values in rows; nested where the sender wrote a list a row. */
export interface InputTensor {
  name: string;
  datatype: string;
  shape: readonly number[];
  data: readonly unknown[];
}

/** A tensor of an answer. */
export interface OutputTensor {
  name: string;
  datatype: 'FP64' | 'BYTES';
  shape: number[];
  parameters?: Record<string, string>;
  data: (number | string)[];
}

type Check = { holds: (value: unknown) => boolean; expected: string };

const isNumber = (value: unknown): boolean => typeof value === 'number';
const INTEGER: Check = { holds: Number.isInteger, expected: 'whole numbers' };
const FLOAT: Check = { holds: isNumber, expected: 'numbers' };
const CHECKS: ReadonlyMap<string, Check> = new Map([
  ['BOOL', { holds: (value) => typeof value === 'boolean', expected: 'booleans' }],
  ['BYTES', { holds: (value) => typeof value === 'string', expected: 'texts' }],
  ...['FP32', 'FP64'].map((datatype): [string, Check] => [datatype, FLOAT]),
  ...['8', '16', '32', '64'].flatMap((bits): [string, Check][] => [
    [`INT${bits}`, INTEGER],
    [`UINT${bits}`, INTEGER],
  ]),
]);

/**
 * One tensor a column becomes one object a row, by the names of the tensors.
 * @throws InvalidInput where tensors are not all of shape [rows] or [rows, 1] with as many values of their datatype, or two
 * have one name
 */
export function toRows(tensors: readonly InputTensor[]): Record<string, unknown>[] {
  const columns = new Map<string, readonly unknown[]>();
  for (const tensor of tensors) {
    if (columns.has(tensor.name)) throw wrong(tensor, 'the name twice', 'a name of its own');
    columns.set(tensor.name, valuesOf(tensor));
  }
  const rows = tensors[0]!.shape[0]!;
  const other = tensors.find(({ shape }) => shape[0] !== rows);
  if (other) throw wrong(other, `${other.shape[0]} rows`, `${rows} rows, as ${tensors[0]!.name} has`);
  const names = [...columns];
  // `fromEntries` keeps a name like __proto__ a name.
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(names.map(([name, values]) => [name, values[row]])),
  );
}

function valuesOf(tensor: InputTensor): readonly unknown[] {
  const { datatype, shape, data } = tensor;
  const check = CHECKS.get(datatype);
  if (!check) throw wrong(tensor, `datatype ${show(datatype)}`, `one of ${[...CHECKS.keys()].join(', ')}`);
  const [rows = 0, columns = 1] = shape;
  if (shape.length < 1 || shape.length > 2 || columns !== 1)
    throw wrong(tensor, `shape [${shape.join(', ')}]`, 'shape [rows] or [rows, 1]');
  if (!(rows >= 1 && rows <= MAX_INSTANCES))
    throw wrong(tensor, `${rows} rows`, `1 to ${MAX_INSTANCES} rows`);
  if (data.length !== rows) throw wrong(tensor, `${data.length} values`, `${rows}, as its shape says`);
  const values = data.map(unnest);
  if (!values.every((value) => value === null || check.holds(value)))
    throw wrong(
      tensor,
      'values of another type',
      `${check.expected} or null, as its datatype ${datatype} says`,
    );
  return values;
}

/** `[1]` as 1: the list that a row may be. */
const unnest = (value: unknown): unknown =>
  Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value;

function wrong({ name }: InputTensor, found: string, expected: string): MeridianError {
  const field = `inputs.${name}`;
  return new MeridianError(ErrorCode.InvalidInput, `${field}: found ${found}, expected ${expected}.`, [
    { field, found, expected },
  ]);
}
