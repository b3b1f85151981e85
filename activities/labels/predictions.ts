import type { Day } from '../../contracts/days';
import { captureColumn } from '../../contracts/capture';
import type { SupervisedDeclaration } from '../../contracts/model';
import { identifier, literal, parquetFiles, type Database } from '../../platform/duckdb';
import { columnTypes } from '../../platform/duckdb-types';
import { explainCorruption, type PartitionCache, type PulledObject } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { pullObject } from './batch';
import { eventKey } from './event-key';

/**
 * The table `predicted`, of the table `events`: the newest captured answer to each event (label, and the probability of
 * it), and `versions`, in words, where versions answered differently. A prediction is about the event that its request
 * names, or else about every event of the same text.
 */
export async function definePredictions(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  declaration: SupervisedDeclaration,
  from: Day,
): Promise<void> {
  const pulled = await pullCaptures(store, cache, declaration.name, from);
  const files = parquetFiles(pulled.map(({ path }) => path));
  const columns =
    pulled.length === 0
      ? new Map<string, string>()
      : await explainCorruption(database, pulled, () => columnTypes(database, files));
  // Captured before the model answered with classes, or nothing at all.
  if (!columns.has('predicted_label')) {
    await database.execute(
      'CREATE TABLE predicted (event_id VARCHAR, label VARCHAR, score DOUBLE, versions VARCHAR)',
    );
    return;
  }
  const text = captureColumn(declaration.inputs.find(({ type }) => type === 'text')!.name);
  const key = literal(`$."${eventKey(declaration).name}"`);
  await explainCorruption(database, pulled, () =>
    database.execute(
      `CREATE TABLE captured AS
       SELECT json_extract_string(entity, ${key}) AS event_id, ${columns.has(text) ? identifier(text) : 'NULL'} AS text,
         version, "time", predicted_label AS label, prediction AS score
       FROM ${files} WHERE error IS NULL AND predicted_label IS NOT NULL`,
    ),
  );
  await database.execute(
    `CREATE TABLE answers AS
     SELECT events.event_id, version, "time", label, score FROM events JOIN captured ON captured.event_id = events.event_id
     UNION ALL
     SELECT events.event_id, version, "time", label, score FROM events JOIN captured ON captured.text = events.text
     WHERE captured.event_id IS NULL`,
  );
  await database.execute(
    `CREATE TABLE predicted AS
     WITH newest AS (
       SELECT * FROM answers
       QUALIFY row_number() OVER (PARTITION BY event_id, version ORDER BY "time" DESC, label, score) = 1
     )
     SELECT event_id, first(label ORDER BY "time" DESC, version DESC) AS label,
       first(score ORDER BY "time" DESC, version DESC) AS score,
       CASE WHEN count(DISTINCT label) > 1
         THEN string_agg(version || ' predicted ' || label, ', ' ORDER BY version) END AS versions
     FROM newest GROUP BY event_id`,
  );
}

/** The captured predictions of a model from that day on. */
async function pullCaptures(
  store: ObjectStore,
  cache: PartitionCache,
  model: string,
  from: Day,
): Promise<PulledObject[]> {
  const prefix = `predictions/${model}/dt=`;
  const objects = (await store.list(prefix)).filter(
    ({ key }) => key >= `${prefix}${from}` && key.endsWith('.parquet'),
  );
  return Promise.all(objects.map(({ key }) => pullObject(store, cache, key)));
}
