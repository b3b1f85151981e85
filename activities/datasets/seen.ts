import type { DatasetManifest } from '../../contracts/dataset';
import type { Day } from '../../contracts/days';

type Learnt = Pick<DatasetManifest, 'splitRule' | 'window'>;

/**
 * Whether a version that was trained on one snapshot has learnt from what another holds out, so that it may not be
 * judged on that. Under the same entity rule it has not, whatever the days. Otherwise only what is held out on later days
 * than it learnt from is sure to be new to it.
 */
export function hasSeen(trainedOn: Learnt, heldOut: Learnt): boolean {
  const [before, now] = [trainedOn.splitRule, heldOut.splitRule];
  const sameEntities =
    before.entitiesApart &&
    now.entitiesApart &&
    before.salt === now.salt &&
    before.holdOutShare >= now.holdOutShare;
  if (sameEntities) return false;
  return newest(learntDays(trainedOn)) >= oldest(now.days?.test ?? heldOut.window.days);
}

const learntDays = ({ splitRule, window }: Learnt): readonly Day[] =>
  splitRule.days === null ? window.days : [...splitRule.days.train, ...splitRule.days.validation];

const newest = (days: readonly Day[]): Day => days.reduce((most, day) => (day > most ? day : most), '');
const oldest = (days: readonly Day[]): Day => days.reduce((least, day) => (day < least ? day : least), '~');
