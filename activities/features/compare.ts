import { showColumn, showEntity } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import type { OnlineRow, StoredValue } from '../../platform/online-store';

/** What stands online of an entity. */
export interface StandingRow {
  /** Epoch microseconds. */
  eventTimestamp: bigint;
  /** Null where another writer wrote the row. */
  createdTimestamp: bigint | null;
  /** One a feature, in the view's order. */
  values: readonly StoredValue[];
}

/** `newer`: online of a later event, or a later correction of the same, which something other than the load explains. */
export type Verdict = { kind: 'equal' | 'newer' } | { kind: 'different'; example: string };

/** Whether a row online that is newer than what is offline may be there: it was pushed, or a load is under way. */
export type MayBeNewer = (eventTimestamp: bigint) => boolean;

/**
 * Holds what stands online of an entity (null where nothing does, or nothing that can be read) against its newest row
 * offline: the same event time, and every value exactly the same (0 is not −0, and no integer is rounded).
 */
export function compareRows(
  view: FeatureView,
  personal: ReadonlySet<string>,
  offline: OnlineRow,
  online: StandingRow | null,
  mayBeNewer: MayBeNewer,
): Verdict {
  const different = (what: string, there: string, here: string): Verdict => ({
    kind: 'different',
    example: `${showEntity(offline.entity, personal)}: ${what} offline ${there}, online ${here}`,
  });
  const time = showTime(offline.eventTimestamp);
  if (online === null) return different('row', `of ${time}`, 'nothing');
  const corrected = online.createdTimestamp !== null && online.createdTimestamp > offline.createdTimestamp;
  const newer =
    online.eventTimestamp > offline.eventTimestamp ||
    (online.eventTimestamp === offline.eventTimestamp && corrected);
  if (newer && mayBeNewer(online.eventTimestamp)) return { kind: 'newer' };
  if (online.eventTimestamp !== offline.eventTimestamp)
    return different('row', `of ${time}`, `of ${showTime(online.eventTimestamp)}`);
  for (const [index, { name }] of view.features.entries()) {
    const there = comparable(offline.values[index]!);
    const here = comparable(online.values[index]!);
    const shown = (value: StoredValue): string =>
      value === null ? 'nothing' : Object.is(value, -0) ? 'number -0' : showColumn(name, value, personal);
    if (!Object.is(there, here)) return different(name, shown(there), shown(here));
  }
  return { kind: 'equal' };
}

/** One spelling of a value: NaN is null in the online store, and DuckDB gives every int64 as a bigint. */
function comparable(value: StoredValue): StoredValue {
  if (Number.isNaN(value)) return null;
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** ISO 8601 with the microseconds that may be all the difference. */
function showTime(micros: bigint): string {
  const [whole, part] = [micros / 1_000_000n, micros % 1_000_000n];
  const seconds = part < 0n ? whole - 1n : whole;
  const fraction = String(micros - seconds * 1_000_000n).padStart(6, '0');
  return new Date(Number(seconds) * 1000).toISOString().replace('.000Z', `.${fraction}Z`);
}
