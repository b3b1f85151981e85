import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { DatasetSnapshot, Split, SplitRule } from '../../contracts/dataset';
import { Key } from '../../contracts/ids';
import { personalColumns } from '../../contracts/masking';
import type { ModelDeclaration } from '../../contracts/model';
import { identifier, literal, openDatabase, type Database } from '../../platform/duckdb';
import { SQL_TYPE } from '../../platform/duckdb-types';
import {
  defineTable,
  explainCorruption,
  type PartitionCache,
  type PulledObject,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { breach, checkRows, keyRules } from '../quality/rules';
import { modelJoinKeys } from './entity';
import { askedTimes, historicalQuery, pullVisible, type AskedTimes, type HistoricalView } from './historical';
import { labelRule } from './labels';
import { publishSnapshot, SPLITS, type SnapshotRequest, type WrittenSplit } from './manifest';
import { readOptOuts } from '../privacy/opt-outs';
import { splitRuleOf, splitSql } from './split';

const INPUT_SQL_TYPE = {
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  category: 'VARCHAR',
  text: 'VARCHAR',
} as const;

/** The observation day of a label row: its partition's. */
const DAY = '_day';

/**
 * Joins the labels with every input at their time, leaves opted-out entities out, splits as declared, and writes
 * `datasets/<model>/<snapshot>/`: the splits first, `manifest.json` last. The snapshot's name is the hash of its content.
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
    const sources = [...labels, ...views.flatMap(({ files }) => files)];
    const keys = modelJoinKeys(declaration).map(({ name }) => name);
    await explainCorruption(database, sources, async () =>
      database.execute(await datasetQuery(database, declaration, views, keys, splitRule)),
    );
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
  const rules = [...keyRules(names), labelRule];
  const personal = personalColumns(...declaration.views);
  const findings = await checkRows(database, 'frame', where, names, rules, personal);
  if (findings.length > 0) throw breach(findings);
  return pulled;
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

/** SQL for the table `dataset`: join keys, event_timestamp, inputs by their declared names, label, and `_split`. */
async function datasetQuery(
  database: Database,
  { name, dataset, inputs }: ModelDeclaration,
  views: readonly HistoricalView[],
  keys: readonly string[],
  splitRule: SplitRule,
): Promise<string> {
  const joined = await historicalQuery(database, {
    frame: 'frame',
    frameName: `labels/${name}`,
    views,
    asKnown: dataset.asKnown ? 'row' : undefined,
  });
  const columns = [
    ...keys.map(identifier),
    'event_timestamp',
    ...inputs.map(
      (input) =>
        `CAST(${identifier(input.name)} AS ${INPUT_SQL_TYPE[input.type]}) AS ${identifier(input.name)}`,
    ),
    'label::INTEGER AS label',
    `${splitSql(splitRule, keys, DAY)} AS _split`,
  ];
  return `CREATE TABLE dataset AS
    SELECT * FROM (SELECT ${columns.join(', ')} FROM (${joined}) AS frame) WHERE _split IS NOT NULL`;
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
  // How a file is cut into row groups, and so its bytes, must not depend on the machine's threads.
  await database.execute('SET threads = 1');
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
