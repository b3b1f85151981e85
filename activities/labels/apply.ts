import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endOfDay, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { ReviewManifest } from '../../contracts/label-review';
import { identifier, literal, openDatabase, parquetFiles, type Database } from '../../platform/duckdb';
import { columnTypes, SQL_TYPE } from '../../platform/duckdb-types';
import {
  explainCorruption,
  withPartitionCache,
  type PartitionCache,
  type PulledObject,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { heartbeat } from '../progress';
import { pullObject, readManifest, reviewKeys } from './batch';
import { pullLabels } from './label-partitions';
import type { ReviewRequest } from './settle';
import { readWithheld } from './withheld';

/**
 * Writes the reviewed labels of `outcome.parquet` over the delivered ones, wherever an event has one, with `reviewed_by` and
 * `reviewed_at`; rows of other events stay as they are. Each object is replaced as a whole under its own name, so that at no
 * moment a row is missing or there twice. Events without a label get one in the partition of their day, in
 * `reviewed-<quarter>.parquet`. What is right already is not written again; of events of those who have opted out since the
 * outcome was found nothing is written.
 * @returns the days whose partitions hold reviewed labels, oldest first
 * @throws MeridianError Conflict (retryable) where an object was delivered anew meanwhile, CorruptObject.
 */
export async function applyReview(store: ObjectStore, { model, quarter }: ReviewRequest): Promise<Day[]> {
  const manifest = await readManifest(store, model, quarter);
  const withheld = await readWithheld(store, manifest);
  return withPartitionCache(store, async (cache) => {
    const database = await openDatabase({ temporaryFolder: join(cache.folder, 'spill') });
    try {
      const outcome = await pullObject(store, cache, reviewKeys(model, quarter).outcome);
      await database.execute(
        `CREATE TABLE reviewed AS SELECT * FROM ${parquetFiles([outcome.path])}
         WHERE label IS NOT NULL AND NOT list_contains([${[...withheld].map(literal).join(', ')}]::VARCHAR[], event_id)`,
      );
      await database.execute('CREATE TABLE labelled (event_id VARCHAR)');
      const objects = await pullLabels(store, cache, model, manifest.window.from);
      const days = new Set<Day>();
      for (const object of objects) {
        heartbeat({ phase: 'correcting', key: object.key });
        if (await correctObject(store, cache, database, manifest, object)) days.add(object.day);
      }
      for (const day of await addMissing(store, cache, database, manifest)) days.add(day);
      return [...days].sort();
    } finally {
      database.close();
    }
  });
}

/** Whether the object holds labels of reviewed events; notes those events in the table `labelled`. */
async function correctObject(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  { entity }: ReviewManifest,
  object: PulledObject,
): Promise<boolean> {
  const file = parquetFiles([object.path]);
  const columns = await explainCorruption(database, [object], () => columnTypes(database, file));
  const named = `CAST(delivered.${identifier(entity.name)} AS VARCHAR)`;
  const reviewer = columns.has('reviewed_by') ? 'delivered.reviewed_by' : 'NULL';
  const { rows, wrong } = await explainCorruption(database, [object], () =>
    database.row<{ rows: number; wrong: number }>(
      `SELECT count(*) AS rows, count(*) FILTER (
           CAST(delivered.label AS VARCHAR) IS DISTINCT FROM reviewed.label
           OR ${reviewer} IS DISTINCT FROM reviewed.reviewed_by) AS wrong
       FROM ${file} AS delivered JOIN reviewed ON reviewed.event_id = ${named}`,
    ),
  );
  if (rows === 0) return false;
  await database.execute(
    `INSERT INTO labelled SELECT reviewed.event_id FROM ${file} AS delivered JOIN reviewed ON reviewed.event_id = ${named}`,
  );
  if (wrong === 0) return true;
  const path = join(cache.folder, 'corrected.parquet');
  await database.execute(
    `COPY (
       SELECT ${correctedColumns(columns)}
       FROM (SELECT *, row_number() OVER () AS _row FROM ${file}) AS delivered
       LEFT JOIN reviewed ON reviewed.event_id = ${named}
       ORDER BY _row
     ) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  if (await store.replace(object.key, await readFile(path), object.etag)) return true;
  throw new MeridianError(
    ErrorCode.Conflict,
    `${store.uri(object.key)}: the labels were delivered anew while they were corrected. They were left as they are. It is tried again.`,
    [],
    { retryable: true },
  );
}

/** Every column as it was delivered, in its type; of reviewed events the label, and when it became known. */
function correctedColumns(columns: ReadonlyMap<string, string>): string {
  const corrected: Record<string, string> = {
    label: 'reviewed.label',
    created_timestamp: 'reviewed.settled_at',
    reviewed_by: 'reviewed.reviewed_by',
    reviewed_at: 'reviewed.reviewed_at',
  };
  const delivered = [...columns].map(([name, type]) => {
    const column = `delivered.${identifier(name)}`;
    const as = identifier(name);
    return corrected[name] === undefined
      ? `${column} AS ${as}`
      : `CASE WHEN reviewed.event_id IS NULL THEN ${column} ELSE CAST(${corrected[name]} AS ${type}) END AS ${as}`;
  });
  const added = ['reviewed_by', 'reviewed_at']
    .filter((name) => !columns.has(name))
    .map((name) => `${corrected[name]} AS ${name}`);
  return [...delivered, ...added].join(', ');
}

/** Labels of events that had none, in the partition of their day. */
async function addMissing(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  { model, quarter, entity }: ReviewManifest,
): Promise<Day[]> {
  const missing = 'FROM reviewed WHERE event_id NOT IN (SELECT event_id FROM labelled)';
  const days = await database.rows<{ day: Day }>(
    `SELECT DISTINCT CAST(day AS VARCHAR) AS day ${missing} ORDER BY day`,
  );
  for (const { day } of days) {
    const path = join(cache.folder, 'added.parquet');
    await database.execute(
      `COPY (
         SELECT CAST(event_id AS ${SQL_TYPE[entity.type]}) AS ${identifier(entity.name)},
           TIMESTAMPTZ ${literal(endOfDay(day))} AS event_timestamp, label, settled_at AS created_timestamp,
           reviewed_by, reviewed_at
         ${missing} AND day = DATE ${literal(day)} ORDER BY event_id
       ) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    const key = `${Key.labelPartition(model, day)}reviewed-${quarter}.parquet`;
    await store.put(key, await readFile(path));
  }
  return days.map(({ day }) => day);
}
