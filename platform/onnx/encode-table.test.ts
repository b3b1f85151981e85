import {
  Bool,
  Dictionary,
  Float32,
  Float64,
  Int32,
  Int64,
  Table,
  TimestampMicrosecond,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import type { DataType } from 'apache-arrow';
import * as fc from 'fast-check';
import { MeridianError } from '../../contracts/errors';
import type { TabularSignature } from '../../contracts/model';
import { createEncoder } from './encode';
import { createTableEncoder } from './encode-table';

const signature: Pick<TabularSignature, 'inputs'> = {
  inputs: [
    { name: 'tenure', type: 'number' },
    { name: 'auto_renew', type: 'boolean' },
    { name: 'plan', type: 'category', categories: ['basic', 'plus', 'größe'] },
  ],
};

interface Row extends Record<string, unknown> {
  tenure: number | null;
  auto_renew: boolean | null;
  plan: string | null;
}

const column = (values: unknown[], type: DataType) => vectorFromArray(values as never[], type);

function tableOf(rows: Row[], number: DataType, text: DataType): Table {
  const big = number instanceof Int64;
  return new Table({
    id: column(
      rows.map((_, row) => `c${row}`),
      new Utf8(),
    ),
    tenure: column(
      rows.map(({ tenure }) => (big && tenure !== null ? BigInt(tenure) : tenure)),
      number,
    ),
    auto_renew: column(
      rows.map((row) => row.auto_renew),
      new Bool(),
    ),
    plan: column(
      rows.map((row) => row.plan),
      text,
    ),
  });
}

function byRow(rows: Row[]): Float32Array {
  const encoder = createEncoder(signature);
  const target = new Float32Array(rows.length * 3);
  rows.forEach((row, index) => expect(encoder.encode(row, target, index * 3)).toEqual([]));
  return target;
}

function byTable(table: Table, batch: number): Float32Array {
  const encode = createTableEncoder(signature, table);
  const target = new Float32Array(table.numRows * 3);
  for (let from = 0; from < table.numRows; from += batch) {
    const to = Math.min(from + batch, table.numRows);
    encode(from, to, target.subarray(from * 3));
  }
  return target;
}

const rowsOf = (tenure: fc.Arbitrary<number>) =>
  fc.array(
    fc.record({
      tenure: fc.option(tenure),
      auto_renew: fc.option(fc.boolean()),
      plan: fc.option(fc.constantFrom('basic', 'plus', 'größe', 'unseen', '')),
    }),
    { minLength: 1, maxLength: 40 },
  );
const texts: [string, () => DataType][] = [
  ['plain strings', () => new Utf8()],
  ['dictionaries', () => new Dictionary(new Utf8(), new Int32())],
];
const whole = fc.integer({ min: -1e6, max: 1e6 });
const real = fc.float({ noNaN: true, noDefaultInfinity: true });
const numbers: [string, () => DataType, fc.Arbitrary<number>][] = [
  ['int32', () => new Int32(), whole],
  ['int64', () => new Int64(), whole],
  ['float32', () => new Float32(), real],
  ['float64', () => new Float64(), real],
];

describe('createTableEncoder', () => {
  describe.each(texts)('with %s', (_, text) => {
    it.each(numbers)(
      'encodes %s as the rows are encoded, whatever the batches and chunks',
      (_name, number, tenure) => {
        fc.assert(
          fc.property(rowsOf(tenure), fc.integer({ min: 1, max: 17 }), fc.nat(40), (rows, batch, cut) => {
            const table = tableOf(rows, number(), text());
            expect(byTable(table, batch)).toEqual(byRow(rows));
            const tail = rows.slice(cut % rows.length);
            expect(byTable(table.slice(cut % rows.length), batch)).toEqual(byRow(tail));
            const chunked = tableOf(rows, number(), text()).concat(tableOf(tail, number(), text()));
            expect(byTable(chunked, batch)).toEqual(byRow([...rows, ...tail]));
          }),
          { numRuns: 40 },
        );
      },
    );
  });

  it('names every column that is missing or of a wrong type', () => {
    const table = new Table({
      tenure: column([0], new TimestampMicrosecond()),
      plan: column([1], new Int32()),
    });
    let thrown: unknown;
    try {
      createTableEncoder(signature, table);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(MeridianError);
    expect((thrown as MeridianError).code).toBe('InvalidFeatures');
    expect((thrown as MeridianError).fields.map(({ field, found }) => [field, found])).toEqual([
      ['tenure', 'Timestamp<MICROSECOND>'],
      ['auto_renew', 'no such column'],
      ['plan', 'Int32'],
    ]);
  });
});
