import * as fc from 'fast-check';
import protobuf from 'protobufjs';
import { readTimestamp, readValue } from './read-cells';
import type { FeatureType, StoredValue } from './value';

// Feast's own messages, encoded by somebody else's code.
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Value {
    oneof val {
      bytes bytes_val = 1; string string = 2; int32 int32 = 3; int64 int64 = 4; double double = 5; float float = 6;
      bool bool = 7;
    }
  }
  message Timestamp { int64 seconds = 1; int32 nanos = 2; }
`);
const bytesOf = (message: string, fields: object): Buffer => {
  const type = root.lookupType(message);
  return Buffer.from(type.encode(type.fromObject(fields)).finish());
};
/** The cell lies among other bytes, as in an answer. */
const within = <T>(bytes: Buffer, read: (bytes: Buffer, start: number, end: number) => T): T =>
  read(Buffer.concat([Buffer.alloc(3, 0xff), bytes, Buffer.alloc(3, 0x08)]), 3, 3 + bytes.length);
const readAs = (type: FeatureType, bytes: Buffer): StoredValue =>
  within(bytes, (all, start, end) => readValue(type, all, start, end));

const values: Record<FeatureType, fc.Arbitrary<unknown>> = {
  string: fc.string({ unit: 'grapheme', maxLength: 300 }),
  int32: fc.integer(),
  int64: fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.integer().map(BigInt),
    fc.constantFrom(2n ** 49n - 1n, 2n ** 49n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n),
  ),
  double: fc.double({ noNaN: true }),
  float: fc.float({ noNaN: true }),
  bool: fc.boolean(),
};
const types = Object.keys(values) as FeatureType[];
const encoded = (type: FeatureType): fc.Arbitrary<{ value: unknown; bytes: Buffer }> =>
  values[type].map((value) => ({
    value,
    bytes: bytesOf('Value', { [type]: typeof value === 'bigint' ? String(value) : value }),
  }));

it.each(types)('reads every %s exactly', (type) => {
  fc.assert(
    fc.property(encoded(type), ({ value, bytes }) => {
      // An int64 comes as a number where that is exact.
      const exact = typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
      expect(readAs(type, bytes)).toBe(exact);
    }),
  );
});

it('takes the empty message and NaN for null', () => {
  for (const type of types) expect(readAs(type, Buffer.alloc(0))).toBeNull();
  expect(readAs('double', bytesOf('Value', { double: NaN }))).toBeNull();
  expect(readAs('float', bytesOf('Value', { float: NaN }))).toBeNull();
});

it('refuses a value of another type', () => {
  for (const type of types) {
    const others = types.filter((other) => other !== type);
    fc.assert(
      fc.property(fc.oneof(...others.map(encoded)), ({ bytes }) => {
        expect(() => readAs(type, bytes)).toThrow(RangeError);
      }),
    );
  }
});

it.each(types)('refuses a %s that is cut short or has bytes behind it', (type) => {
  fc.assert(
    fc.property(
      encoded(type),
      fc.nat(),
      fc.uint8Array({ minLength: 1, maxLength: 4 }),
      ({ bytes }, cut, more) => {
        const short = bytes.subarray(0, 1 + (cut % (bytes.length - 1)));
        expect(() => readAs(type, short)).toThrow(RangeError);
        expect(() => readAs(type, Buffer.concat([bytes, more]))).toThrow(RangeError);
      },
    ),
  );
});

it('refuses an int32 that has none, and text that is no UTF-8', () => {
  expect(() => readAs('int32', Buffer.from('18ffffffff7f', 'hex'))).toThrow(RangeError);
  expect(() => readAs('string', Buffer.from('1202c328', 'hex'))).toThrow(RangeError);
});

describe('event times', () => {
  const read = (bytes: Buffer): bigint => within(bytes, readTimestamp);

  it('are exact to the microsecond, before 1970 and far from now as well; nanoseconds are cut', () => {
    const seconds = fc.oneof(
      fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }),
      fc.constantFrom(0n, -1n, 2n ** 32n - 1n, 2n ** 32n),
    );
    fc.assert(
      fc.property(seconds, fc.integer({ min: 0, max: 999_999_999 }), (whole, nanos) => {
        const bytes = bytesOf('Timestamp', { seconds: String(whole), nanos });
        expect(read(bytes)).toBe(whole * 1_000_000n + BigInt(Math.floor(nanos / 1000)));
      }),
    );
  });

  it.each(['08', '0880', '1080e8eda1ba01', '10808080808080808080', '0801ff', '1001080110', '0a00', '29'])(
    'refuse the bytes %s',
    (hex) => {
      expect(() => read(Buffer.from(hex, 'hex'))).toThrow(RangeError);
    },
  );
});
