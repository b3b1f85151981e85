import fc from 'fast-check';
import { addDays, daysBetween, dayToEpochMs, daysEndingWith, endOfDay } from './days';
import { validateMaterializeFeaturesInput, validateRetrainModelInput } from './generated/validators';

const isDay = (text: string): boolean => {
  try {
    dayToEpochMs(text);
    return true;
  } catch {
    return false;
  }
};

describe('days of the calendar', () => {
  it('cross months, leap days and clock changes', () => {
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
    expect(addDays('2026-03-08', 1)).toBe('2026-03-09');
    expect(addDays('2026-01-01', -1)).toBe('2025-12-31');
    expect(daysEndingWith('2026-03-01', 3)).toEqual(['2026-02-27', '2026-02-28', '2026-03-01']);
  });

  it('lie between two of them, both included', () => {
    expect(daysBetween('2026-10-31', '2026-11-02')).toEqual(['2026-10-31', '2026-11-01', '2026-11-02']);
    expect(daysBetween('2026-11-02', '2026-11-02')).toEqual(['2026-11-02']);
    expect(daysBetween('2026-11-02', '2026-11-01')).toEqual([]);
  });

  it('are what the inputs of workflows take for one', () => {
    const part = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
    const nearlyDays = fc
      .tuple(fc.integer({ min: 1000, max: 9999 }), part(13), part(32))
      .map((parts) => parts.join('-'));
    const lastOfFebruary = fc.integer({ min: 1000, max: 9999 }).map((year) => `${year}-02-29`);
    fc.assert(
      fc.property(fc.oneof(nearlyDays, lastOfFebruary, fc.string()), (date) => {
        expect(validateMaterializeFeaturesInput({ date })).toBe(isDay(date));
        expect(validateMaterializeFeaturesInput({ from: date })).toBe(isDay(date));
        expect(validateRetrainModelInput({ model: 'churn', asOf: date })).toBe(isDay(date));
      }),
      { numRuns: 1_000 },
    );
  });

  it('end at midnight UTC, when all of their data is known', () => {
    expect(endOfDay('2026-12-31')).toBe('2027-01-01T00:00:00Z');
  });

  it.each(['2026-02-29', '2026-2-1', '', '2026-13-01', 'today', '2026-01-01T00:00:00Z'])(
    'refuses %p',
    (text) => {
      expect(() => addDays(text, 1)).toThrow(expect.objectContaining({ code: 'InvalidInput' }));
    },
  );
});
