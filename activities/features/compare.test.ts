import { mask, personalColumns } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import type { StoredValue } from '../../platform/online-store';
import { compareRows } from './compare';

const view = {
  entity: { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'string', personal: true }] },
  features: [
    { name: 'amount', type: 'double' },
    { name: 'age', type: 'int64', personal: true },
    { name: 'plan', type: 'string' },
  ],
} as FeatureView;
const entity = { customer_id: 'C1' };
const DAY = 1_772_323_200_000_000n;
const row = (values: StoredValue[], eventTimestamp = DAY) => ({
  entity,
  eventTimestamp,
  createdTimestamp: 0n,
  values,
});
const compare = (
  offline: StoredValue[],
  online: StoredValue[] | null,
  at = DAY,
  created: bigint | null = 0n,
  mayBeNewer = true,
) =>
  compareRows(
    view,
    personalColumns(view),
    row(offline),
    online && { eventTimestamp: at, createdTimestamp: created, values: online },
    () => mayBeNewer,
  );
const different = (example: string) => ({
  kind: 'different',
  example: `customer_id=${mask('C1')}: ${example}`,
});

it.each<[string, StoredValue[], StoredValue[]]>([
  ['the same values', [0.1, 7, 'team'], [0.1, 7, 'team']],
  ['nulls', [null, null, null], [null, null, null]],
  ['NaN, which is null online', [NaN, 7, 'team'], [null, 7, 'team']],
  ['an int64 that DuckDB gives as a bigint', [1, 7n, 'team'], [1, 7, 'team']],
  ['an int64 beyond 2^53', [1, 9007199254740993n, 'team'], [1, 9007199254740993n, 'team']],
])('takes %s for equal', (_, offline, online) => {
  expect(compare(offline, online)).toEqual({ kind: 'equal' });
});

it.each<[string, StoredValue[], StoredValue[], string]>([
  ['another value', [1, 7, 'team'], [1, 7, 'solo'], 'plan offline "team", online "solo"'],
  ['null', [1, 7, 'team'], [1, 7, null], 'plan offline "team", online nothing'],
  ['−0', [0, 7, 'team'], [-0, 7, 'team'], 'amount offline number 0, online number -0'],
  ['the next double', [0.1, 7, 'team'], [0.1 + 2 ** -56, 7, 'team'], 'amount offline number 0.1'],
  [
    'an int64 off by one',
    [1, 9007199254740993n, ''],
    [1, 9007199254740992n, ''],
    `age offline ${mask('9007199254740993')}`,
  ],
])('takes %s for different', (_, offline, online, example) => {
  const verdict = compare(offline, online);
  expect(verdict).toMatchObject({ kind: 'different' });
  expect(verdict.kind === 'different' && verdict.example).toContain(example);
});

it('says what is online of another event, or not at all', () => {
  const values = [1, 7, 'team'];
  expect(compare(values, values, DAY + 1n)).toEqual({ kind: 'newer' });
  expect(compare(values, values, DAY - 1n)).toEqual(
    different('row offline of 2026-03-01T00:00:00.000000Z, online of 2026-02-28T23:59:59.999999Z'),
  );
  // A correction of the same event, and a row that Feast wrote.
  expect(compare(values, [2, 7, 'team'], DAY, 1n)).toEqual({ kind: 'newer' });
  expect(compare(values, values, DAY, null)).toEqual({ kind: 'equal' });
  expect(compare(values, null)).toEqual(
    different('row offline of 2026-03-01T00:00:00.000000Z, online nothing'),
  );
});

it('asks what may explain a newer row online', () => {
  const values = [1, 7, 'team'];
  const unexplained = (online: StoredValue[], at: bigint, created: bigint) =>
    compare(values, online, at, created, false);
  expect(unexplained(values, DAY + 1n, 0n)).toEqual(
    different('row offline of 2026-03-01T00:00:00.000000Z, online of 2026-03-01T00:00:00.000001Z'),
  );
  expect(unexplained(values, DAY, 1n)).toEqual({ kind: 'equal' });
  expect(unexplained([2, 7, 'team'], DAY, 1n)).toEqual(different('amount offline number 1, online number 2'));
});

it('shows nothing personal', () => {
  expect(compare([1, 41, 'team'], [1, 42, 'team'])).toEqual(
    different(`age offline ${mask(41)}, online ${mask(42)}`),
  );
});
