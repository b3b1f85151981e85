import { storedName } from '../../contracts/feature-view';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { personalColumns, showEntity } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import type { OnlineRow, OnlineStore, StoredValue } from '../../platform/online-store';

/**
 * Reads a sample back: each entity must stand at least as new as what was loaded, and with the same values where it is
 * that very row. Who has opted out meanwhile is not there, and need not be.
 * @returns How many entities were compared.
 * @throws MeridianError DataQualityBreach.
 */
export async function verifySample(
  online: OnlineStore,
  view: FeatureView,
  sample: readonly OnlineRow[],
): Promise<number> {
  const entities = sample.map(({ entity }) => entity);
  const stored = await online.getOnlineFeaturesOfMany({
    // What is there matters, not whether it is still fresh.
    views: [{ ...view, ttlSeconds: 0 }],
    features: view.features.map(({ name }) => ({ view: view.name, feature: name })),
    entities,
  });
  // After the values: of a row that is replaced between the two reads, the newer times must be seen.
  const standing = await online.standingRows(view, entities);
  let verified = 0;
  for (const [index, row] of sample.entries()) {
    const stands = standing[index]!;
    if (stands === 'opted-out') continue;
    verified += 1;
    if (stands === null || stands.event < row.eventTimestamp) throw lost(view, row, 'no such row');
    const replaced =
      stands.event > row.eventTimestamp || (stands.created !== null && stands.created > row.createdTimestamp);
    const wrong = stored[index]!.filter(({ value }, column) => !sameValue(value, row.values[column]!));
    if (!replaced && wrong.length > 0)
      throw lost(view, row, `another ${wrong.map(({ feature }) => feature).join(', ')}`);
  }
  return verified;
}

function lost(view: FeatureView, { entity }: OnlineRow, found: string): MeridianError {
  return new MeridianError(
    ErrorCode.DataQualityBreach,
    `features/${storedName(view)}: read ${showEntity(entity, personalColumns(view))} back from ` +
      `the online store and found ${found}, expected what was just written. The watermark was not moved. ` +
      'Look for another writer, then retry.',
  );
}

function sameValue(stored: StoredValue, written: StoredValue): boolean {
  if (Number.isNaN(written)) return stored === null;
  // The reader gives an int64 as a number where that is exact; DuckDB gives every one as a bigint.
  if (typeof written === 'bigint') return stored !== null && String(stored) === String(written);
  return Object.is(stored, written);
}
