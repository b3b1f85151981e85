import { DataType, Precision } from 'apache-arrow';
import type { Data, Table, Vector } from 'apache-arrow';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { FieldProblem } from '../../contracts/errors';
import type { TabularSignature } from '../../contracts/model';
import { categoryCodes } from './encode';
import type { SignatureInput } from './encode';

/** Writes rows `[from, to)` of every input column into `target`, row by row (`width` numbers a row). */
export type TableEncoder = (from: number, to: number, target: Float32Array) => void;

/**
 * Encodes Arrow columns as `createEncoder` encodes rows. The table may have further columns (join keys, label).
 * @throws InvalidFeatures naming every input whose column is missing or of a wrong type.
 */
export function createTableEncoder(signature: Pick<TabularSignature, 'inputs'>, table: Table): TableEncoder {
  const { inputs } = signature;
  const problems: FieldProblem[] = [];
  const columns: Vector[] = [];
  for (const input of inputs) {
    const column = table.getChild(input.name);
    const found = column === null ? 'no such column' : String(column.type);
    if (column !== null && FITS[input.type](column.type)) columns.push(column);
    else problems.push({ field: input.name, found, expected: COLUMN_EXPECTED[input.type] });
  }
  if (problems.length > 0) {
    throw new MeridianError(
      ErrorCode.InvalidFeatures,
      `The table does not fit the model's inputs: ${problems
        .map(({ field, found, expected }) => `${field}: found ${found}, expected ${expected}`)
        .join('; ')}.`,
      problems,
    );
  }
  const encoders = columns.map((column, position) => createColumnEncoder(inputs[position]!, column));
  return (from, to, target) => {
    encoders.forEach((encode, position) => encode(from, to, target, position, inputs.length));
  };
}

const COLUMN_EXPECTED: Record<SignatureInput['type'], string> = {
  number: 'a column of integers or floating-point numbers',
  boolean: 'a column of booleans',
  category: 'a column of strings (plain or dictionary-encoded)',
};

const isText = (type: DataType): boolean => DataType.isUtf8(type) || DataType.isLargeUtf8(type);

const FITS: Record<SignatureInput['type'], (type: DataType) => boolean> = {
  number: (type) => DataType.isInt(type) || (DataType.isFloat(type) && type.precision !== Precision.HALF),
  boolean: (type) => DataType.isBool(type),
  category: (type) => isText(type) || (DataType.isDictionary(type) && isText(type.dictionary)),
};

type ColumnEncoder = (
  from: number,
  to: number,
  target: Float32Array,
  position: number,
  width: number,
) => void;

function createColumnEncoder(input: SignatureInput, column: Vector): ColumnEncoder {
  const readChunk = chunkReader(input);
  let start = 0;
  const chunks = column.data.map((data) => {
    const chunk = { start, end: start + data.length, read: readChunk(data) };
    start = chunk.end;
    return chunk;
  });
  return (from, to, target, position, width) => {
    for (const chunk of chunks) {
      const first = Math.max(from, chunk.start);
      const last = Math.min(to, chunk.end);
      for (let row = first; row < last; row += 1) {
        target[(row - from) * width + position] = chunk.read(row - chunk.start);
      }
    }
  };
}

/** Reads one cell of a chunk as its number in the tensor; NaN for null. */
type CellReader = (row: number) => number;

function chunkReader(input: SignatureInput): (data: Data) => CellReader {
  switch (input.type) {
    case 'number':
      return (data) => orNull(data, (row) => Number(data.values[row]));
    case 'boolean':
      return (data) =>
        orNull(data, (row) => {
          const bit = data.offset + row;
          return (data.values[bit >> 3] >> (bit & 7)) & 1;
        });
    case 'category': {
      const codes = categoryCodes(input);
      return (data) => {
        if (DataType.isDictionary(data.type)) {
          const words = data.dictionary!.toArray() as (string | null)[];
          const wordCodes = Float64Array.from(words, (word) =>
            word === null ? NaN : (codes.get(word) ?? NaN),
          );
          return orNull(data, (row) => wordCodes[Number(data.values[row])]!);
        }
        const text = new TextDecoder();
        const offsets = data.valueOffsets as unknown as ArrayLike<number | bigint>;
        return orNull(data, (row) => {
          const word = text.decode(data.values.subarray(Number(offsets[row]), Number(offsets[row + 1])));
          return codes.get(word) ?? NaN;
        });
      };
    }
  }
}

function orNull(data: Data, read: CellReader): CellReader {
  return data.nullCount === 0 ? read : (row) => (data.getValid(row) ? read(row) : NaN);
}
