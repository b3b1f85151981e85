import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Day } from '../../contracts/days';
import {
  REVIEW_REASONS,
  reviewSettingsOf,
  type OpenedReview,
  type ReviewManifest,
  type ReviewOutcome,
  type ReviewReason,
} from '../../contracts/label-review';
import { personalColumns } from '../../contracts/masking';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { ownersOf } from '../../contracts/ownership';
import { isSupervised, type ResolvedDeclaration } from '../../contracts/model';
import { literal, openDatabase, parquetFiles, withDatabase } from '../../platform/duckdb';
import { withPartitionCache, type PartitionCache } from '../../platform/partitions';
import { sha256, type ObjectStore } from '../../platform/s3';
import { heartbeat } from '../progress';
import { pullObject, readManifest, reviewKeys } from './batch';
import { eventKey } from './event-key';
import { definePool, textView, type PoolRequest } from './pool';
import { drawBatch } from './sample';
import { readProgress } from './votes';

export interface OpeningRequest {
  resolved: ResolvedDeclaration;
  quarter: string;
  /** The days whose events are sampled, both included. */
  window: { from: Day; to: Day };
  /** The same seed draws the same events from the same data. */
  seed: string;
}

/**
 * Writes `batch.parquet`, then `manifest.json`, each once; what lies there already is the review, whoever began it.
 * @throws MeridianError MissingObject where there are no events, InvalidInput where the model has no labels to review.
 */
export async function openReview(store: ObjectStore, request: OpeningRequest): Promise<OpenedReview> {
  const { resolved, quarter } = request;
  const { declaration } = resolved;
  const keys = reviewKeys(declaration.name, quarter);
  if (!(await store.head(keys.manifest))) {
    await withPartitionCache(store, async (cache) => {
      if (!(await store.head(keys.batch))) {
        heartbeat({ phase: 'sampling', model: declaration.name, quarter });
        await store.create(keys.batch, await readFile(await writeBatch(store, cache, request)));
      }
      await store.create(keys.manifest, JSON.stringify(await manifestOf(store, cache, request), null, 2));
    });
  }
  const manifest = await readManifest(store, declaration.name, quarter);
  const settled = await store.find(keys.settled);
  const settledAt = settled && (JSON.parse(settled.body.toString('utf8')) as ReviewOutcome).settledAt;
  return { manifest, ...(await readProgress(store, manifest)), settledAt };
}

/** @returns the file's path. */
async function writeBatch(
  store: ObjectStore,
  cache: PartitionCache,
  request: OpeningRequest,
): Promise<string> {
  const { declaration, classes } = reviewable(request);
  const database = await openDatabase({ temporaryFolder: join(cache.folder, 'spill') });
  try {
    await definePool(store, cache, database, { ...request, declaration });
    await drawBatch(database, reviewSettingsOf(declaration), classes, request.seed);
    const path = join(cache.folder, 'batch.parquet');
    await database.execute(`COPY batch TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`);
    return path;
  } finally {
    database.close();
  }
}

/** Of the batch as it lies there. */
async function manifestOf(
  store: ObjectStore,
  cache: PartitionCache,
  request: OpeningRequest,
): Promise<ReviewManifest> {
  const { declaration, classes } = reviewable(request);
  const key = reviewKeys(declaration.name, request.quarter).batch;
  const { path } = await pullObject(store, cache, key);
  const { name, type } = eventKey(declaration);
  const owners = ownersOf(textView(declaration));
  return {
    formatVersion: 1,
    model: declaration.name,
    quarter: request.quarter,
    declarationHash: request.resolved.hash,
    seed: request.seed,
    window: request.window,
    settings: reviewSettingsOf(declaration),
    classes,
    entity: { name, type, personal: personalColumns(...declaration.views).has(name) },
    ...(owners.length > 0 && { owners }),
    batch: { key, sha256: sha256(await readFile(path)), ...(await countReasons(path)) },
  };
}

function reviewable({ resolved: { declaration } }: OpeningRequest): Pick<PoolRequest, 'declaration'> & {
  classes: string[];
} {
  const text = declaration.inputs.some(({ type }) => type === 'text');
  if (isSupervised(declaration) && declaration.label.classes && text)
    return { declaration, classes: declaration.label.classes };
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `${declaration.name}: expected label.classes and an input of type text, found kind ${declaration.kind}. Nothing was written.`,
    [{ field: 'model', found: declaration.name, expected: 'a text-classifier' }],
  );
}

async function countReasons(path: string): Promise<Pick<ReviewManifest['batch'], 'events' | 'reasons'>> {
  const rows = await withDatabase((database) =>
    database.rows<{ reason: ReviewReason; events: number }>(
      `SELECT reason, count(*) AS events FROM ${parquetFiles([path])} GROUP BY reason`,
    ),
  );
  const of = (reason: ReviewReason): number => rows.find((row) => row.reason === reason)?.events ?? 0;
  return {
    events: rows.reduce((sum, { events }) => sum + events, 0),
    reasons: Object.fromEntries(REVIEW_REASONS.map((reason) => [reason, of(reason)])) as Record<
      ReviewReason,
      number
    >,
  };
}
