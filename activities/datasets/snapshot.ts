import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { DatasetSnapshot, Split } from '../../contracts/dataset';
import { addDays, type Day } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { FeatureView, ModelDeclaration } from '../../contracts/model';
import { identifier, literal, openDatabase, type Database } from '../../platform/duckdb';
import {
  defineTable,
  explainCorruption,
  listPartitionDays,
  type PartitionCache,
  type PulledObject,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { breach, checkRows, keyRules } from '../quality/rules';
import { SQL_TYPE } from '../features/columns';
import { modelJoinKeys } from './entity';
import { labelRule } from './labels';
import { publishSnapshot, SPLITS, type SnapshotRequest, type WrittenSplit } from './manifest';
import { readOptOuts, type OptOuts } from '../privacy/opt-outs';
import { pointInTimeJoin } from './point-in-time';
import { splitSql } from './split';

const INPUT_SQL_TYPE = { number: 'DOUBLE', boolean: 'BOOLEAN', category: 'VARCHAR' } as const;
const SECONDS_PER_DAY = 86_400;

/** Not the view's bare name, which might be `labels` or `frame`. */
const viewTable = (view: FeatureView): string => `features/${view.name}`;

/**
 * Joins the labels with every input at their time, leaves opted-out entities out, splits by entity, and writes
 * `datasets/<model>/<snapshot>/`: the splits first, `manifest.json` last. The snapshot's name is the hash of its content.
 */
export async function buildSnapshot(
  store: ObjectStore,
  cache: PartitionCache,
  request: SnapshotRequest,
): Promise<DatasetSnapshot> {
  const { declaration } = request;
  // One thread: the bytes must not depend on the machine's.
  const database = await openDatabase({ threads: 1, temporaryFolder: join(cache.folder, 'spill') });
  try {
    const sources = [
      ...(await defineFrame(database, cache, request)),
      ...(await defineViews(store, database, cache, request)),
    ];
    const keys = modelJoinKeys(declaration).map(({ name }) => name);
    const optOuts = await readOptOuts(store, cache, database, declaration.views);
    await explainCorruption(database, [...sources, ...optOuts.sources], () =>
      database.execute(datasetQuery(declaration, keys, optOuts)),
    );
    const splits = await writeSplits(database, cache, declaration, keys);
    return await publishSnapshot(store, request, splits, optOuts, [...sources, ...optOuts.sources]);
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
      `CREATE TABLE frame AS SELECT ${columns.join(', ')}, event_timestamp::TIMESTAMPTZ AS event_timestamp, label FROM labels`,
    ),
  );
  const names = [...joinKeys.map(({ name }) => name), 'event_timestamp'];
  const where = `labels/${declaration.name} dt=${days.join(', ')}`;
  const findings = await checkRows(database, 'frame', where, names, [...keyRules(names), labelRule]);
  if (findings.length > 0) throw breach(findings);
  return pulled;
}

/** Each view's partitions that the label rows can see, as a DuckDB view. */
async function defineViews(
  store: ObjectStore,
  database: Database,
  cache: PartitionCache,
  { declaration, labelDays }: SnapshotRequest,
): Promise<PulledObject[]> {
  const all: PulledObject[] = [];
  for (const view of declaration.views) {
    const days = await visibleDays(store, view, labelDays);
    const pulled = (await Promise.all(days.map((day) => cache.pull(Key.featurePartition(view, day))))).flat();
    await defineTable(database, viewTable(view), pulled);
    all.push(...pulled);
  }
  return all;
}

async function visibleDays(store: ObjectStore, view: FeatureView, labelDays: readonly Day[]): Promise<Day[]> {
  const ttlDays = Math.ceil(view.ttlSeconds / SECONDS_PER_DAY);
  const visible = (day: Day): boolean =>
    labelDays.some((label) => day <= label && (view.ttlSeconds === 0 || day >= addDays(label, -ttlDays)));
  const days = (await listPartitionDays(store, Key.featureView(view))).filter(visible);
  if (days.length > 0) return days;
  throw new MeridianError(
    ErrorCode.MissingObject,
    `${store.uri(Key.featureView(view))}: expected partitions for the observation days ${labelDays.join(', ')}, ` +
      'found none. Nothing was written. Compute the features of those days, then retry.',
  );
}

/** The table `dataset`: join keys, event_timestamp, inputs by their declared names, label, and `_split`. */
function datasetQuery(declaration: ModelDeclaration, keys: readonly string[], optOuts: OptOuts): string {
  const views = declaration.views.map((view) => ({
    view,
    table: viewTable(view),
    columns: declaration.inputs
      .filter((input) => input.view === view.name)
      .map(({ feature, name, type }) => ({ feature, as: name, sqlType: INPUT_SQL_TYPE[type] })),
  }));
  const columns = [
    ...keys.map(identifier),
    'event_timestamp',
    ...declaration.inputs.map(({ name }) => identifier(name)),
    'label::INTEGER AS label',
    `${splitSql(declaration.dataset, keys)} AS _split`,
  ];
  return `CREATE TABLE dataset AS
    SELECT ${columns.join(', ')} FROM (${pointInTimeJoin('frame', views)}) AS frame WHERE ${optOuts.condition}`;
}

async function writeSplits(
  database: Database,
  cache: PartitionCache,
  declaration: ModelDeclaration,
  keys: readonly string[],
): Promise<WrittenSplit[]> {
  const counts = await database.rows<{ split: Split; rows: number; positives: number }>(
    'SELECT _split AS split, count(*) AS rows, sum(label) AS positives FROM dataset GROUP BY ALL',
  );
  refuseTooFewRows(declaration, counts);
  const written: WrittenSplit[] = [];
  for (const split of SPLITS) {
    const path = join(cache.folder, `${split}.parquet`);
    await database.execute(
      `COPY (SELECT * EXCLUDE (_split) FROM dataset WHERE _split = ${literal(split)}
             ORDER BY event_timestamp, ${keys.map(identifier).join(', ')})
       TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    const { rows, positives } = counts.find((count) => count.split === split)!;
    written.push({
      split,
      path,
      sha256: await hashFile(path),
      bytes: (await stat(path)).size,
      rows,
      positives,
    });
  }
  return written;
}

function refuseTooFewRows(
  { name, dataset }: ModelDeclaration,
  counts: readonly { split: Split; rows: number; positives: number }[],
): void {
  const total = counts.reduce((sum, { rows }) => sum + rows, 0);
  const finding = (check: string, found: string, expected: string) => ({
    where: `datasets/${name}`,
    check,
    found,
    expected,
    examples: [],
  });
  const findings = [];
  if (total < dataset.minRows)
    findings.push(finding('enough rows', `found ${total} rows`, `at least ${dataset.minRows}`));
  for (const split of SPLITS) {
    const { rows, positives } = counts.find((count) => count.split === split) ?? { rows: 0, positives: 0 };
    if (positives === 0 || positives === rows) {
      findings.push(
        finding(
          `both classes in ${split}`,
          `${split} has ${positives} positive rows of ${rows}`,
          'some of both classes',
        ),
      );
    }
  }
  if (findings.length > 0) throw breach(findings);
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
