import { churn } from '../../models/churn/model';
import { observationDays } from './labels';

it('observes evenly spaced days, the newest one a horizon before the end', () => {
  expect(observationDays(churn.label, '2026-11-20')).toEqual([
    '2026-07-23',
    '2026-08-22',
    '2026-09-21',
    '2026-10-21',
  ]);
  expect(observationDays({ ...churn.label, horizonDays: 0, everyDays: 7, periods: 2 }, '2026-03-08')).toEqual(
    ['2026-03-01', '2026-03-08'],
  );
});
