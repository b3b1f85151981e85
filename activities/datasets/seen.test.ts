import type { DatasetManifest } from '../../contracts/dataset';
import type { Day } from '../../contracts/days';
import { hasSeen } from './seen';

type Learnt = Pick<DatasetManifest, 'splitRule' | 'window'>;

const OBSERVED = ['2026-01-01', '2026-02-01', '2026-03-01', '2026-04-01', '2026-05-01'];

const byEntity = (days: Day[], salt = 'salt', holdOutShare = 0.2): Learnt => ({
  window: { asOf: days.at(-1)!, days },
  splitRule: { salt, holdOutShare, validationShare: 0.1, entitiesApart: true, days: null },
});
const byTime = (days: Day[], entitiesApart = false): Learnt => ({
  window: { asOf: days.at(-1)!, days },
  splitRule: {
    salt: 'salt',
    holdOutShare: 0.2,
    validationShare: 0.1,
    entitiesApart,
    days: { train: days.slice(0, -2), validation: days.slice(-2, -1), test: days.slice(-1) },
  },
});
const upTo = (count: number): Day[] => OBSERVED.slice(0, count);

it.each([
  ['the same entity rule, whatever the days', byEntity(upTo(5)), byEntity(upTo(3)), false],
  ['another salt', byEntity(upTo(5)), byEntity(upTo(5), 'other'), true],
  ['a hold-out share that has grown', byEntity(upTo(5)), byEntity(upTo(5), 'salt', 0.3), true],
  ['its own held-out days', byTime(upTo(4)), byTime(upTo(4)), false],
  ['later days than it knew', byTime(upTo(4)), byTime(upTo(5)), false],
  ['days that it validated on', byTime(upTo(5)), byTime(upTo(4)), true],
  ['earlier days, entities kept apart by both', byTime(upTo(5), true), byTime(upTo(3), true), false],
  ['earlier days, entities kept apart by one', byTime(upTo(5)), byTime(upTo(3), true), true],
  ['days that all its entities were trained on', byEntity(upTo(5)), byTime(upTo(5)), true],
  ['later days, from an entity rule to time', byEntity(upTo(4)), byTime(upTo(5)), false],
])('tells whether a version has seen %s', (_what, trainedOn, heldOut, seen) => {
  expect(hasSeen(trainedOn, heldOut)).toBe(seen);
});
