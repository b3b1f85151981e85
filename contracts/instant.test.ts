import * as fc from 'fast-check';
import { parseInstant } from './instant';

const instant = (text: string): string | null => {
  const micros = parseInstant(text);
  return micros === null ? null : new Date(Number(micros / 1000n)).toISOString();
};

it('reads the same instant in whatever zone it is said', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date('0001-01-02'), max: new Date('9998-12-30'), noInvalidDate: true }),
      fc.integer({ min: 0, max: 999 }),
      fc.integer({ min: -(23 * 60 + 59), max: 23 * 60 + 59 }),
      (time, micros, offset) => {
        const local = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, -1);
        const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
        const zone = `${offset < 0 ? '-' : '+'}${`${hours}`.padStart(2, '0')}:${`${minutes}`.padStart(2, '0')}`;
        expect(parseInstant(`${local}${`${micros}`.padStart(3, '0')}${zone}`)).toBe(
          BigInt(time.getTime()) * 1000n + BigInt(micros),
        );
      },
    ),
  );
});

it('tells the hours of both clock changes in California apart', () => {
  // 8 March 2026: 01:59:59 PST is followed by 03:00:00 PDT.
  expect(instant('2026-03-08T01:59:59-08:00')).toBe('2026-03-08T09:59:59.000Z');
  expect(instant('2026-03-08T03:00:00-07:00')).toBe('2026-03-08T10:00:00.000Z');
  // 1 November 2026: 01:30 comes twice.
  expect(instant('2026-11-01T01:30:00-07:00')).toBe('2026-11-01T08:30:00.000Z');
  expect(instant('2026-11-01T01:30:00-08:00')).toBe('2026-11-01T09:30:00.000Z');
});

it('cuts what is finer than a microsecond, before 1970 as well', () => {
  expect(parseInstant('1970-01-01T00:00:00.000001999Z')).toBe(1n);
  expect(parseInstant('1969-12-31T23:59:59.999999999Z')).toBe(-1n);
  expect(parseInstant('1969-12-31T23:59:59.5Z')).toBe(-500_000n);
});

it.each([
  ['no zone', '2026-11-20T12:00:00'],
  ['the name of a zone', '2026-11-20T12:00:00 PST'],
  ['a day that is none', '2026-02-30T12:00:00Z'],
  ['29 February of no leap year', '2026-02-29T12:00:00Z'],
  ['hour 24', '2026-11-20T24:00:00Z'],
  ['a leap second', '2026-12-31T23:59:60Z'],
  ['an offset that is none', '2026-11-20T12:00:00+24:00'],
  ['a day alone', '2026-11-20'],
  ['seconds since 1970', '1795176000'],
  ['nothing', ''],
])('refuses %s', (_, text) => {
  expect(parseInstant(text)).toBeNull();
});
