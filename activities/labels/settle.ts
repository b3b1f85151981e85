import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReviewManifest, ReviewOutcome, Vote } from '../../contracts/label-review';
import { identifier, literal, openDatabase, parquetFiles, type Database } from '../../platform/duckdb';
import {
  defineTable,
  explainCorruption,
  withPartitionCache,
  type PartitionCache,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { isCovered, tallyOf, votesByEvent } from './agreement';
import { pullObject, readManifest, reviewKeys } from './batch';
import { pullLabels } from './label-partitions';
import { readVotes } from './votes';
import { progressWithout, readWithheld, withoutWithheld } from './withheld';

export interface ReviewRequest {
  model: string;
  quarter: string;
}

/**
 * Finds the label that most reviewers gave each event, and writes `outcome.parquet`, then `outcome.json`, each once: event_id,
 * label (null where the event is not covered), previous_label, day, reviewed_by (who gave that label), reviewed_at (when the
 * last of them did), people, agreeing, votes (in words), settled_at; ordered by event_id. Events of
 * those who have opted out are not among them.
 * @throws MeridianError MissingObject where the review was never opened, CorruptObject.
 */
export async function settleReview(
  store: ObjectStore,
  { model, quarter }: ReviewRequest,
  now: Date,
): Promise<ReviewOutcome> {
  const keys = reviewKeys(model, quarter);
  const manifest = await readManifest(store, model, quarter);
  const standing = await readVotes(store, model, quarter);
  const withheld = await readWithheld(store, manifest);
  const votes = withoutWithheld(standing.votes, withheld);
  return withPartitionCache(store, async (cache) => {
    if (!(await store.head(keys.outcome)))
      await store.create(
        keys.outcome,
        await readFile(await writeOutcome(store, cache, manifest, votes, now)),
      );
    const { coverage, agreement } = progressWithout(manifest, standing, withheld);
    const counts = await countOutcome(store, cache, keys.outcome, now);
    const outcome: ReviewOutcome = {
      ...counts,
      coverage,
      agreement,
      ...(withheld.size > 0 && { withheld: withheld.size }),
    };
    await store.create(keys.settled, JSON.stringify(outcome));
    return store.getJson<ReviewOutcome>(keys.settled);
  });
}

/** @returns the file's path. */
async function writeOutcome(
  store: ObjectStore,
  cache: PartitionCache,
  manifest: ReviewManifest,
  votes: readonly Vote[],
  now: Date,
): Promise<string> {
  const database = await openDatabase({ temporaryFolder: join(cache.folder, 'spill') });
  try {
    await loadTallies(database, cache, votes, manifest.settings.reviewersPerEvent);
    await definePrevious(store, cache, database, manifest);
    const batch = await pullObject(store, cache, manifest.batch.key);
    const path = join(cache.folder, 'outcome.parquet');
    await database.execute(
      `COPY (
         SELECT event_id, tallies.label, previous.label AS previous_label, day, reviewed_by,
           reviewed_at, people, agreeing, votes,
           TIMESTAMPTZ ${literal(now.toISOString())} AS settled_at
         FROM tallies JOIN ${parquetFiles([batch.path])} AS batch USING (event_id) LEFT JOIN previous USING (event_id)
         ORDER BY event_id
       ) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    return path;
  } finally {
    database.close();
  }
}

/** The table `tallies`: what the reviewers say of each event that has a label. */
async function loadTallies(
  database: Database,
  cache: PartitionCache,
  votes: readonly Vote[],
  reviewersPerEvent: number,
): Promise<void> {
  const tallies = [...votesByEvent(votes)].map(([event_id, given]) => {
    const tally = tallyOf(given);
    const label = isCovered(tally, reviewersPerEvent) ? tally.majority : null;
    const agreeing = given.filter((vote) => vote.label === tally.majority);
    const times = agreeing.map(({ at }) => at).sort();
    return {
      event_id,
      label,
      reviewed_by: label === null ? null : agreeing.map(({ by }) => by).join(', '),
      reviewed_at: label === null ? null : times.at(-1)!,
      people: tally.people,
      agreeing: Math.max(...tally.counts.values()),
      votes: [...tally.counts].map(([one, count]) => `${one} ${count}`).join(', '),
    };
  });
  const path = join(cache.folder, 'tallies.json');
  await writeFile(path, tallies.map((tally) => JSON.stringify(tally)).join('\n'));
  await database.execute(
    `CREATE TABLE tallies AS SELECT * FROM read_json(${literal(path)}, format = 'newline_delimited', columns = {
       event_id: 'VARCHAR', label: 'VARCHAR', reviewed_by: 'VARCHAR', reviewed_at: 'TIMESTAMPTZ', people: 'INTEGER',
       agreeing: 'INTEGER', votes: 'VARCHAR' })`,
  );
}

/** The table `previous`: the labels that the events have now. */
async function definePrevious(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  { model, window, entity }: ReviewManifest,
): Promise<void> {
  const pulled = await pullLabels(store, cache, model, window.from);
  if (pulled.length === 0) {
    await database.execute('CREATE TABLE previous (event_id VARCHAR, label VARCHAR)');
    return;
  }
  await defineTable(database, 'labels', pulled);
  const name = identifier(entity.name);
  await explainCorruption(database, pulled, () =>
    database.execute(
      `CREATE TABLE previous AS SELECT CAST(${name} AS VARCHAR) AS event_id, CAST(label AS VARCHAR) AS label FROM labels
       QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY dt DESC, label) = 1`,
    ),
  );
}

async function countOutcome(
  store: ObjectStore,
  cache: PartitionCache,
  key: string,
  now: Date,
): Promise<Pick<ReviewOutcome, 'reviewed' | 'changed' | 'added' | 'settledAt'>> {
  const { path } = await pullObject(store, cache, key);
  const database = await openDatabase();
  try {
    const { settled_at, ...counts } = await database.row<{
      reviewed: number;
      changed: number;
      added: number;
      settled_at: Date | null;
    }>(
      `SELECT count(label) AS reviewed,
         count(*) FILTER (label <> previous_label) AS changed,
         count(*) FILTER (label IS NOT NULL AND previous_label IS NULL) AS added,
         any_value(settled_at) AS settled_at
       FROM ${parquetFiles([path])}`,
    );
    // An outcome without events does not say when.
    return { ...counts, settledAt: (settled_at ?? now).toISOString() };
  } finally {
    database.close();
  }
}
