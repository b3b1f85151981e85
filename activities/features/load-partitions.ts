import { addDays, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { lookBackOf, ttlDays } from '../../contracts/feature-view';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { listPartitionDays } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';

/** What a load brings the online store up to, and which days it reads for it. */
export interface LoadDays {
  /** The day asked for, or the watermark where that is later: a back-fill of the past must not load the past. */
  asOf: Day;
  /** Partitions that may hold a row to load, oldest first. */
  load: Day[];
  /** The first day that is read, where older ones may hold rows that are alive as well. */
  from: Day | null;
}

const BEGINNING: Day = '0000-01-01';

/**
 * A view with a ttl: the days that can hold a row alive at the end of `asOf`. One without: the days since the watermark,
 * or since the day asked for where that is earlier, and its look-back before it, so that late rows are caught and a long
 * history costs nothing; all where it was never loaded.
 * @param asked The newest day that was computed for this load.
 * @param watermark The day up to which the view was last loaded; null where it never was.
 * @param lost Whether the online store may have lost what was loaded: then a view without a ttl is read as a whole.
 * @throws MeridianError MissingObject where there is no partition to load.
 */
export async function loadDays(
  store: ObjectStore,
  view: FeatureView,
  asked: Day,
  watermark: Day | null,
  lost: boolean,
): Promise<LoadDays> {
  const asOf = watermark !== null && watermark > asked ? watermark : asked;
  const present = await listPartitionDays(store, Key.featureView(view));
  const oldest = oldestToRead(view, asked, watermark, lost);
  const load = present.filter((day) => oldest <= day && day <= asOf);
  if (load.length === 0) {
    throw new MeridianError(
      ErrorCode.MissingObject,
      `${store.uri(Key.featureView(view))}: expected a partition from ${oldest} to ${asOf}, found none. ` +
        'The online store is as it was. Compute the features of that day, then retry.',
    );
  }
  return { asOf, load, from: ttlDays(view) === null && oldest !== BEGINNING ? oldest : null };
}

function oldestToRead(view: FeatureView, asked: Day, watermark: Day | null, lost: boolean): Day {
  const days = ttlDays(view);
  const [earlier, later] =
    watermark !== null && watermark < asked ? [watermark, asked] : [asked, watermark ?? asked];
  if (days !== null) return addDays(later, -days);
  return watermark === null || lost ? BEGINNING : addDays(earlier, -lookBackOf(view));
}
