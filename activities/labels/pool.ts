import type { Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { FeatureView, SupervisedDeclaration } from '../../contracts/model';
import { ownersOf } from '../../contracts/ownership';
import { identifier, literal, parquetFiles, type Database } from '../../platform/duckdb';
import { columnTypes, SQL_TYPE } from '../../platform/duckdb-types';
import {
  defineTable,
  explainCorruption,
  listPartitionDays,
  type PartitionCache,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { readOptOuts } from '../privacy/opt-outs';
import { requireOwners, withOwned } from '../privacy/owned';
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
 * `owner` (the join keys of whom it belongs to, as a struct of texts), `label` (as delivered or reviewed), `reviewed`,
 * `predicted_label`, `score`, `versions` and `reviewers` (labels they gave, in words, where they differ). Without events
 * that have no text, and without those of who has opted out.
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
     SELECT events.event_id, text, day, owner, given.label, coalesce(given.reviewed, false) AS reviewed,
       predicted.label AS predicted_label, predicted.score, predicted.versions, disagreement.reviewers
     FROM events LEFT JOIN given USING (event_id) LEFT JOIN predicted USING (event_id)
       LEFT JOIN disagreement USING (event_id)`,
  );
}

const textInput = ({ inputs }: SupervisedDeclaration): SupervisedDeclaration['inputs'][number] =>
  inputs.find(({ type }) => type === 'text')!;

/** The view that the texts of events are read from. */
export const textView = (declaration: SupervisedDeclaration): FeatureView =>
  declaration.views.find(({ name }) => name === textInput(declaration).view)!;

/** SQL: the join keys of whom an event belongs to, as text; null where the view does not say. */
function ownerSql(view: FeatureView): string {
  const keys = ownersOf(view).flatMap(({ joinKeys }) => joinKeys.map(({ name }) => name));
  if (keys.length === 0) return 'NULL::VARCHAR';
  return `{${keys.map((name) => `${literal(name)}: ${identifier(name)}::VARCHAR`).join(', ')}}`;
}

async function defineEvents(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  { declaration, window }: PoolRequest,
): Promise<void> {
  const { feature } = textInput(declaration);
  const view = textView(declaration);
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
  requireOwners(view, await columnTypes(database, 'delivered'), pulled[0]!.key);
  const name = identifier(key.name);
  const text = identifier(feature);
  await explainCorruption(database, pulled, () =>
    database.execute(
      `CREATE TABLE frame AS
       SELECT * REPLACE (CAST(${name} AS ${SQL_TYPE[key.type]}) AS ${name}) FROM delivered
       WHERE ${name} IS NOT NULL AND trim(${text}) <> ''
       QUALIFY row_number() OVER (PARTITION BY ${name} ORDER BY event_timestamp DESC, dt DESC, ${text}) = 1`,
    ),
  );
  const optOuts = await readOptOuts(store, cache, database, [view]);
  const { condition } = await withOwned(database, optOuts, [{ view, files: pulled }]);
  await explainCorruption(database, optOuts.sources, () =>
    database.execute(`DELETE FROM frame WHERE NOT (${condition})`),
  );
  await database.execute(
    `CREATE TABLE events AS
     SELECT CAST(${name} AS VARCHAR) AS event_id, ${text} AS text, dt AS day, ${ownerSql(view)} AS owner FROM frame`,
  );
  const { events } = await database.row<{ events: number }>('SELECT count(*) AS events FROM events');
  if (events === 0) throw noEvents(store, view, window);
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
