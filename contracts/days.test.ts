import { addDays, daysEndingWith, endOfDay } from './days';

describe('days of the calendar', () => {
  it('cross months, leap days and clock changes', () => {
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
    expect(addDays('2026-03-08', 1)).toBe('2026-03-09');
    expect(addDays('2026-01-01', -1)).toBe('2025-12-31');
    expect(daysEndingWith('2026-03-01', 3)).toEqual(['2026-02-27', '2026-02-28', '2026-03-01']);
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
