import type { Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { FeatureView, SupervisedDeclaration } from '../../contracts/model';
import { identifier, literal, parquetFiles, type Database } from '../../platform/duckdb';
import { columnTypes, SQL_TYPE } from '../../platform/duckdb-types';
import { listFeatureViews } from '../../platform/feature-views';
import {
  defineTable,
  explainCorruption,
  listPartitionDays,
  type PartitionCache,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { readOptOuts } from '../privacy/opt-outs';
import { listReviews, pullObject, reviewKeys } from './batch';
import { eventKey } from './event-key';
import { pullLabels } from './label-partitions';
import { definePredictions } from './predictions';

export interface PoolRequest {
  declaration: SupervisedDeclaration;
  quarter: string;
  window: { from: Day; to: Day };
}

/**
 * Leaves what may be reviewed in the table `pool`: each event of the window once, with `event_id` (as text), text, day,
 * `label` (as delivered or reviewed), `reviewed`, `predicted_label`, `score`, `versions` and `reviewers` (labels they gave,
 * in words, where they differ). Without events that have no text, and without those of who has opted out.
 * @throws MeridianError MissingObject where the window has no events, CorruptObject.
 */
export async function definePool(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  request: PoolRequest,
): Promise<void> {
  const { declaration, window } = request;
  await defineEvents(store, cache, database, request);
  await defineGiven(store, cache, database, declaration, window.from);
  await definePredictions(store, cache, database, declaration, window.from);
  await defineDisagreement(store, cache, database, request);
  await database.execute(
    `CREATE TABLE pool AS
     SELECT events.event_id, text, day, given.label, coalesce(given.reviewed, false) AS reviewed,
       predicted.label AS predicted_label, predicted.score, predicted.versions, disagreement.reviewers
     FROM events LEFT JOIN given USING (event_id) LEFT JOIN predicted USING (event_id)
       LEFT JOIN disagreement USING (event_id)`,
  );
}

async function defineEvents(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  { declaration, window }: PoolRequest,
): Promise<void> {
  const input = declaration.inputs.find(({ type }) => type === 'text')!;
  const view = declaration.views.find(({ name }) => name === input.view)!;
  const key = eventKey(declaration);
  const days = await listPartitionDays(store, Key.featureView(view), window);
  const pulled = (
    await Promise.all(
      days.map(async (day) => {
        const partition = Key.featurePartition(view, day);
        return (await cache.list(partition)).length > 0 ? cache.pull(partition) : [];
      }),
    )
  ).flat();
  if (pulled.length === 0) throw noEvents(store, view, window);
  await defineTable(database, 'delivered', pulled);
  const name = identifier(key.name);
  const text = identifier(input.feature);
  await explainCorruption(database, pulled, () =>
    database.execute(
      `CREATE TABLE frame AS
       SELECT * REPLACE (CAST(${name} AS ${SQL_TYPE[key.type]}) AS ${name}) FROM delivered
       WHERE ${name} IS NOT NULL AND trim(${text}) <> ''
       QUALIFY row_number() OVER (PARTITION BY ${name} ORDER BY event_timestamp DESC, dt DESC, ${text}) = 1`,
    ),
  );
  const optOuts = await readOptOuts(store, cache, database, [view, ...(await viewsNamedBy(store, view))]);
  await explainCorruption(database, optOuts.sources, () =>
    database.execute(`DELETE FROM frame WHERE NOT (${optOuts.condition})`),
  );
  await database.execute(
    `CREATE TABLE events AS SELECT CAST(${name} AS VARCHAR) AS event_id, ${text} AS text, dt AS day FROM frame`,
  );
  const { events } = await database.row<{ events: number }>('SELECT count(*) AS events FROM events');
  if (events === 0) throw noEvents(store, view, window);
}

/** Views of those whom the events name by a feature: who wrote a text may have asked to be left out. */
async function viewsNamedBy(store: ObjectStore, view: FeatureView): Promise<FeatureView[]> {
  const named = new Set([...view.entity.joinKeys, ...view.features].map(({ name }) => name));
  return (await listFeatureViews(store)).filter(({ entity }) =>
    entity.joinKeys.every(({ name }) => named.has(name)),
  );
}

const noEvents = (
  store: ObjectStore,
  view: FeatureView,
  { from, to }: PoolRequest['window'],
): MeridianError =>
  new MeridianError(
    ErrorCode.MissingObject,
    `${store.uri(Key.featureView(view))}: expected events with a text from ${from} to ${to}, found none. Nothing was ` +
      'written. Deliver them, then retry.',
  );

/** The table `given`: the label that each event has. */
async function defineGiven(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  declaration: SupervisedDeclaration,
  from: Day,
): Promise<void> {
  const pulled = await pullLabels(store, cache, declaration.name, from);
  if (pulled.length === 0) {
    await database.execute('CREATE TABLE given (event_id VARCHAR, label VARCHAR, reviewed BOOLEAN)');
    return;
  }
  await defineTable(database, 'labels', pulled);
  const columns = await explainCorruption(database, pulled, () => columnTypes(database, 'labels'));
  const reviewed = columns.has('reviewed_by') ? 'reviewed_by IS NOT NULL' : 'false';
  const name = identifier(eventKey(declaration).name);
  await explainCorruption(database, pulled, () =>
    database.execute(
      `CREATE TABLE given AS
       SELECT CAST(${name} AS VARCHAR) AS event_id, CAST(label AS VARCHAR) AS label, ${reviewed} AS reviewed FROM labels
       QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY reviewed DESC, dt DESC, label) = 1`,
    ),
  );
}

/** The table `disagreement`: events of the review before this one to which its reviewers gave different labels. */
async function defineDisagreement(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  { declaration, quarter }: PoolRequest,
): Promise<void> {
  const before = (await listReviews(store, declaration.name)).filter((one) => one < quarter).at(-1);
  const key = before === undefined ? null : reviewKeys(declaration.name, before).outcome;
  if (key === null || !(await store.head(key))) {
    await database.execute('CREATE TABLE disagreement (event_id VARCHAR, reviewers VARCHAR)');
    return;
  }
  const { path } = await pullObject(store, cache, key);
  await database.execute(
    `CREATE TABLE disagreement AS
     SELECT event_id, ${literal(`reviewers in ${before}: `)} || votes AS reviewers FROM ${parquetFiles([path])}
     WHERE agreeing < people`,
  );
}
