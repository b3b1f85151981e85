import type { ReviewManifest, ReviewProgress, Vote } from '../../contracts/label-review';
import { parquetFiles, withDatabase } from '../../platform/duckdb';
import { withPartitionCache } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { findWithheld } from '../privacy/review-texts';
import { progressOf } from './agreement';
import { pullObject } from './batch';

/** The IDs of a review's events. */
export interface EventIds {
  /** All of the batch. */
  all: ReadonlySet<string>;
  /** Those that belong to somebody who has opted out since the batch was drawn. */
  withheld: ReadonlySet<string>;
}

export const readEventIds = (store: ObjectStore, manifest: ReviewManifest): Promise<EventIds> =>
  withPartitionCache(store, async (cache) => {
    const { path } = await pullObject(store, cache, manifest.batch.key);
    return withDatabase(async (database) => {
      const rows = await database.rows<{ event_id: string }>(`SELECT event_id FROM ${parquetFiles([path])}`);
      return {
        all: new Set(rows.map(({ event_id }) => event_id)),
        withheld: await findWithheld(store, cache, database, manifest, path),
      };
    });
  });

/** The events of a review whose texts nobody is shown any more. */
export const readWithheld = async (
  store: ObjectStore,
  manifest: ReviewManifest,
): Promise<EventIds['withheld']> => (await readEventIds(store, manifest)).withheld;

/** The labels of events that are still reviewed. */
export const withoutWithheld = (votes: readonly Vote[], withheld: ReadonlySet<string>): Vote[] =>
  votes.filter(({ event_id }) => !withheld.has(event_id));

/** How far a review has come, as if the events that are withheld had never been in it. */
export const progressWithout = (
  { batch, settings }: ReviewManifest,
  { votes, revision }: { votes: readonly Vote[]; revision: number },
  withheld: ReadonlySet<string>,
): ReviewProgress => ({
  ...progressOf(
    withoutWithheld(votes, withheld),
    batch.events - withheld.size,
    settings.reviewersPerEvent,
    revision,
  ),
  ...(withheld.size > 0 && { withheld: withheld.size }),
});
