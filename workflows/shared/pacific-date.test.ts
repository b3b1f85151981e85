import { lastCompleteDay, pacificDate } from './pacific-date';

describe('pacificDate', () => {
  it.each([
    ['2026-12-01T07:59:59Z', '2026-11-30'],
    ['2026-12-01T08:00:00Z', '2026-12-01'],
    ['2026-03-08T09:59:59Z', '2026-03-08'],
    ['2026-07-01T06:59:59Z', '2026-06-30'],
    ['2026-07-01T07:00:00Z', '2026-07-01'],
  ])('%s is %s in Los Angeles', (moment, date) => {
    expect(pacificDate(new Date(moment))).toBe(date);
  });
});

describe('lastCompleteDay', () => {
  it.each([
    ['2026-12-01T12:00:00Z', '2026-11-30'],
    ['2026-03-01T07:59:59Z', '2026-02-27'],
    ['2026-03-01T08:00:00Z', '2026-02-28'],
  ])('at %s it is %s', (moment, day) => {
    expect(lastCompleteDay(new Date(moment))).toBe(day);
  });
});
