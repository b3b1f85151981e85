import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { version as duckdbVersion } from '@duckdb/node-api';
import { canonicalJson } from '../../contracts/canonical-json';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { storedName } from '../../contracts/feature-view';
import type { FeatureView } from '../../contracts/model';
import { openDatabase, type Database } from '../../platform/duckdb';
import type { Micros, OnlineStore, WriteResult } from '../../platform/online-store';
import { writeChunks, type LoadPosition } from './load-chunks';
import { explainReading } from './load-errors';
import { verifySample } from './load-verification';
import { findNewest, requireFresh, type LoadScope, type Newest } from './newest';

export interface Load extends Omit<LoadScope, 'condition'> {
  online: OnlineStore;
  /** Where the database may spill. */
  folder: string;
  /** Chooses the sample that is read back. */
  runKey: string;
  /** Which entities are loaded, as SQL on the join keys of `frame`; it may define tables. Default: all. */
  keep?: (database: Database) => Promise<string>;
  /** Where an earlier attempt was. */
  resume?: LoadPosition;
  /** Called with what is certain, before the first and after each chunk. */
  onChunk?: (position: LoadPosition) => void;
  /** Called before the sample is read back. */
  onVerify?: (position: LoadPosition) => void;
  /** Called with the database in which the table `newest` stands, before its rows are written. */
  onFound?: (database: Database) => Promise<void>;
}

export interface Loaded extends WriteResult {
  entities: number;
  /** Entities that were read back. */
  verified: number;
  newestEvent: Micros | null;
}

/** DuckDB spills what exceeds this; the rows in flight to Redis come on top, whatever the table's size. */
const DATABASE_MEMORY = '192MB';
const ENTITIES_VERIFIED = 100;

/**
 * Loads the newest row of every entity from local partitions into the online store, chunk by chunk, and reads a sample
 * back. The next rows are read and encoded while Redis takes the last ones.
 * @throws MeridianError CorruptObject, DataQualityBreach (too old, values that do not fit, a sample that does not stand),
 *   DependencyUnavailable, InternalError (not every entity that was counted was found).
 */
export async function loadNewest(load: Load): Promise<Loaded> {
  const { view, files, asOf, online } = load;
  const database = await openDatabase({
    memoryLimit: DATABASE_MEMORY,
    temporaryFolder: join(load.folder, 'spill'),
  });
  try {
    // The order of the rows is the chunks'; to keep the files' would take memory.
    await database.execute('SET preserve_insertion_order = false');
    const condition = (await load.keep?.(database)) ?? 'true';
    const newest = await explainReading(database, load, () =>
      findNewest(database, { view, files, asOf, condition }, { size: ENTITIES_VERIFIED, salt: load.runKey }),
    );
    requireFresh(view, asOf, newest.newestEvent);
    await load.onFound?.(database);
    const server = await online.serverIdentity();
    const position = startOf(load, newest, server);
    load.onChunk?.({ ...position });
    const sample = await explainReading(database, load, () => writeChunks(database, load, newest, position));
    requireComplete(view, newest, position, sample.length);
    await requireSameServer(online, server);
    load.onVerify?.({ ...position });
    const verified = await verifySample(online, view, sample);
    const { written, skipped, refused } = position;
    return {
      entities: newest.entities,
      written,
      skipped,
      refused,
      verified,
      newestEvent: newest.newestEvent,
    };
  } finally {
    database.close();
  }
}

/**
 * Chunks are the same where the files, the entities and the hash are; and what an earlier attempt wrote still stands where
 * the server has not changed. Then the chunks loaded before can be passed over.
 */
function startOf(
  { view, files, asOf, resume }: Load,
  { entities, groups }: Newest,
  server: string,
): LoadPosition {
  const inputs = {
    view,
    asOf,
    entities,
    files: files.map(({ key, etag }) => [key, etag]),
    duckdb: duckdbVersion(),
    server,
  };
  const plan = createHash('sha256').update(canonicalJson(inputs)).digest('hex').slice(0, 16);
  const of = groups.reduce((sum, { chunks }) => sum + chunks, 0);
  if (resume?.plan === plan && resume.of === of) return { ...resume };
  return { chunk: 0, of, plan, written: 0, skipped: 0, refused: 0 };
}

/** Every entity that was found has its outcome, and every sampled one can be read back. */
function requireComplete(
  view: FeatureView,
  { entities, sample }: Newest,
  { written, skipped, refused }: WriteResult,
  sampled: number,
): void {
  const read = written + skipped + refused;
  if (read === entities && sampled === sample.entities) return;
  throw new MeridianError(
    ErrorCode.InternalError,
    `features/${storedName(view)}: expected the newest rows of ${entities} entities (${sample.entities} of them to read back), ` +
      `found ${read} (${sampled}) in the partitions. The watermark was not moved. It is tried again; look at the partitions ` +
      'where that does not help.',
  );
}

async function requireSameServer(online: OnlineStore, server: string): Promise<void> {
  if ((await online.serverIdentity()) === server) return;
  throw new MeridianError(
    ErrorCode.DependencyUnavailable,
    'Redis was restarted, or another server took over, while rows were written: some may be lost. All are loaded again.',
  );
}
