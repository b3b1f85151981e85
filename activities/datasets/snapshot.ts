import { join } from 'node:path';
import type { DatasetSnapshot, SplitRule } from '../../contracts/dataset';
import { Key } from '../../contracts/ids';
import type { ModelDeclaration, SupervisedDeclaration } from '../../contracts/model';
import { identifier, openDatabase, type Database } from '../../platform/duckdb';
import { SQL_TYPE } from '../../platform/duckdb-types';
import {
  defineTable,
  explainCorruption,
  type PartitionCache,
  type PulledObject,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { readOptOuts } from '../privacy/opt-outs';
import { withOwned } from '../privacy/owned';
import { modelJoinKeys } from './entity';
import { askedTimes, historicalQuery, pullVisible, type AskedTimes, type HistoricalView } from './historical';
import { labelKindOf } from './label-kinds';
import { refuseBadLabels } from './labels';
import { publishSnapshot, type SnapshotRequest } from './manifest';
import { splitRuleOf, splitSql } from './split';
import { FOUND, refuseWithoutText } from './texts';
import { writeSplits } from './write-splits';

const INPUT_SQL_TYPE = {
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  category: 'VARCHAR',
  text: 'VARCHAR',
} as const;

/** The observation day of a label row: its partition's. */
const DAY = '_day';

/**
 * Joins the labels with every input at their time, leaves opted-out entities out and what belongs to them, splits as
 * declared, and writes `datasets/<model>/<snapshot>/`: the splits first, `manifest.json` last. The snapshot's name is the hash of its content.
 * @param threads What joins; the bytes do not depend on it.
 */
export async function buildSnapshot(
  store: ObjectStore,
  cache: PartitionCache,
  request: SnapshotRequest,
  threads?: number,
): Promise<DatasetSnapshot> {
  const { declaration } = request;
  const splitRule = splitRuleOf(declaration, request.labelDays);
  const database = await openDatabase({ threads, temporaryFolder: join(cache.folder, 'spill') });
  try {
    const labels = await defineFrame(database, cache, request);
    const optOuts = await readOptOuts(store, cache, database, declaration.views);
    await explainCorruption(database, optOuts.sources, () =>
      database.execute(`DELETE FROM frame WHERE NOT (${optOuts.condition})`),
    );
    const views = await pullViews(store, cache, declaration, await askedTimes(database, 'frame', 'labels'));
    const { condition } = await withOwned(database, optOuts, views);
    await database.execute(`DELETE FROM frame WHERE NOT (${condition})`);
    const sources = [...labels, ...views.flatMap(({ files }) => files)];
    const keys = modelJoinKeys(declaration).map(({ name }) => name);
    await explainCorruption(database, sources, async () =>
      database.execute(await datasetQuery(database, declaration, views, keys, splitRule)),
    );
    if (declaration.kind === 'text-classifier') await refuseWithoutText(database, declaration, keys);
    const splits = await writeSplits(database, cache, declaration, keys);
    return await publishSnapshot(store, request, splitRule, splits, optOuts, [
      ...sources,
      ...optOuts.sources,
    ]);
  } finally {
    database.close();
  }
}

/** The label rows as the table `frame`, one an entity and observation. */
async function defineFrame(
  database: Database,
  cache: PartitionCache,
  { declaration, labelDays }: SnapshotRequest,
): Promise<PulledObject[]> {
  const days = [...labelDays].sort();
  const pulled = (
    await Promise.all(days.map((day) => cache.pull(Key.labelPartition(declaration.name, day))))
  ).flat();
  await defineTable(database, 'labels', pulled);
  const joinKeys = modelJoinKeys(declaration);
  const columns = joinKeys.map(
    ({ name, type }) => `CAST(${identifier(name)} AS ${SQL_TYPE[type]}) AS ${identifier(name)}`,
  );
  await explainCorruption(database, pulled, () =>
    database.execute(
      `CREATE TABLE frame AS
         SELECT ${columns.join(', ')}, event_timestamp::TIMESTAMPTZ AS event_timestamp, label, dt AS ${DAY} FROM labels`,
    ),
  );
  const names = [...joinKeys.map(({ name }) => name), 'event_timestamp'];
  const where = `labels/${declaration.name} dt=${days.join(', ')}`;
  await refuseBadLabels(database, 'frame', where, declaration, names);
  if (declaration.kind === 'text-classifier') await keepNewestLabels(database, names);
  return pulled;
}

/** An event is labelled again where people have reviewed it: what was delivered on the latest day stands. */
async function keepNewestLabels(database: Database, names: readonly string[]): Promise<void> {
  const keys = names.filter((name) => name !== 'event_timestamp').map(identifier);
  await database.execute(
    `CREATE OR REPLACE TABLE frame AS SELECT * FROM frame
     QUALIFY row_number() OVER (PARTITION BY ${keys.join(', ')} ORDER BY ${DAY} DESC, event_timestamp DESC) = 1`,
  );
}

interface PulledView extends HistoricalView {
  files: PulledObject[];
}

/** Each view's partitions that the label rows can see, and the inputs that it gives. */
async function pullViews(
  store: ObjectStore,
  cache: PartitionCache,
  { views, inputs }: ModelDeclaration,
  asked: readonly AskedTimes[],
): Promise<PulledView[]> {
  const pulled: PulledView[] = [];
  for (const view of views) {
    const columns = inputs.filter((input) => input.view === view.name);
    pulled.push({
      view,
      files: await pullVisible(store, cache, view, asked),
      columns: columns.map(({ feature, name }) => ({ feature, as: name })),
    });
  }
  return pulled;
}

/**
 * SQL for the table `dataset`: join keys, event_timestamp, inputs by their declared names, label, and `_split`; of texts
 * FOUND besides.
 */
async function datasetQuery(
  database: Database,
  declaration: SupervisedDeclaration,
  views: readonly HistoricalView[],
  keys: readonly string[],
  splitRule: SplitRule,
): Promise<string> {
  const { name, dataset, inputs } = declaration;
  const isText = declaration.kind === 'text-classifier';
  const joined = await historicalQuery(database, {
    frame: 'frame',
    frameName: `labels/${name}`,
    views,
    asKnown: dataset.asKnown ? 'row' : undefined,
    found: isText ? FOUND : undefined,
  });
  const columns = [
    ...keys.map(identifier),
    'event_timestamp',
    ...inputs.map(
      (input) =>
        `CAST(${identifier(input.name)} AS ${INPUT_SQL_TYPE[input.type]}) AS ${identifier(input.name)}`,
    ),
    `${labelKindOf(declaration).toDataset} AS label`,
    ...(isText ? [FOUND] : []),
    `${splitSql(splitRule, keys, DAY)} AS _split`,
  ];
  return `CREATE TABLE dataset AS
    SELECT * FROM (SELECT ${columns.join(', ')} FROM (${joined}) AS frame) WHERE _split IS NOT NULL`;
}
