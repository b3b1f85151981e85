import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetSnapshot, QualityReport, Split } from '../../../contracts/dataset';
import { daysEndingWith, type Day } from '../../../contracts/days';
import { ErrorCode, MeridianError } from '../../../contracts/errors';
import { Key } from '../../../contracts/ids';
import type { SeriesDeclaration } from '../../../contracts/model';
import { literal, openDatabase, type Database } from '../../../platform/duckdb';
import { listPartitionDays, type PartitionCache } from '../../../platform/partitions';
import type { ObjectStore } from '../../../platform/s3';
import { breach } from '../../quality/rules';
import { codeVersion } from '../code-version';
import { describeSplits, publishContent, SPLITS, type SnapshotContent, type WrittenSplit } from '../manifest';
import { hashFile } from '../write-splits';
import { inspectLearnable, inspectPoints } from './inspect';
import { writeLabelledWindows, type WrittenWindows } from './labelled-windows';
import { definePoints } from './points';
import { splitPoints } from './split';

export interface SeriesSnapshotRequest {
  declaration: SeriesDeclaration;
  declarationHash: string;
  /** The newest day whose points are used. */
  asOf: Day;
}

export interface SeriesSnapshot {
  snapshot: DatasetSnapshot;
  report: QualityReport;
}

const WINDOWS = 'windows.parquet';

/**
 * Takes the points of the declared days, checks them, splits each series by time and writes
 * `datasets/<model>/<snapshot>/`: the splits, the labelled windows where there are any, `manifest.json` last. Nobody opts out
 * of a metric: the list is not asked.
 * @throws MeridianError MissingObject, CorruptObject, DataQualityBreach naming series and what is wrong with it
 */
export async function buildSeriesSnapshot(
  store: ObjectStore,
  cache: PartitionCache,
  { declaration, declarationHash, asOf }: SeriesSnapshotRequest,
): Promise<SeriesSnapshot> {
  const { name, series } = declaration;
  const days = await presentDays(store, declaration, asOf);
  const pulled = (
    await Promise.all(days.map((day) => cache.pull(Key.rawPartition(series.table, day))))
  ).flat();
  const database = await openDatabase({ temporaryFolder: join(cache.folder, 'spill') });
  try {
    await definePoints(database, pulled);
    const where = `raw/${series.table} dt=${days[0]} to ${days.at(-1)}`;
    const inspected = await inspectPoints(database, declaration, where);
    if (!inspected.passed) throw breach(inspected.findings);
    const splitRule = await splitPoints(database, declaration);
    const learnable = await inspectLearnable(database, declaration, where);
    if (!learnable.passed) throw breach(learnable.findings);
    // How a file is cut into row groups, and so its bytes, must not depend on the machine's threads.
    await database.execute('SET threads = 1');
    const splits = await writeSplits(database, cache);
    const { windows, sources } = await writeLabelledWindows(store, database, cache, name);
    const content: SnapshotContent = {
      formatVersion: 1,
      model: name,
      declarationHash,
      codeVersion: codeVersion(),
      window: { asOf, days },
      views: [],
      splitRule,
      asKnown: false,
      optOuts: { version: 'none', entities: 0 },
      sources: [...pulled, ...sources]
        .map(({ key, etag }) => ({ key, etag }))
        .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)),
      splits: describeSplits(splits),
      ...(windows && { windows: await describeWindows(windows) }),
      columns: [
        { name: 'series', role: 'series', type: 'string' },
        { name: 'time', role: 'event_timestamp', type: 'timestamp' },
        { name: 'value', role: 'feature', type: 'number' },
      ],
    };
    const snapshot = await publishContent(store, content, splits, windows?.path);
    return { snapshot, report: { passed: true, checks: inspected.checks + learnable.checks, findings: [] } };
  } finally {
    database.close();
  }
}

/** Days of the declared window that have a partition; a day without one is a gap of every series. */
async function presentDays(store: ObjectStore, { series }: SeriesDeclaration, asOf: Day): Promise<Day[]> {
  const wanted = daysEndingWith(asOf, series.days);
  const days = await listPartitionDays(store, `raw/${series.table}/`, { from: wanted[0], to: asOf });
  if (days.length > 0) return days;
  throw new MeridianError(
    ErrorCode.MissingObject,
    `${store.uri(`raw/${series.table}/`)}: expected points of ${wanted[0]} to ${asOf}, found no partition. ` +
      'Check that what delivers them has run, then retry.',
  );
}

async function writeSplits(database: Database, cache: PartitionCache): Promise<WrittenSplit[]> {
  const written: WrittenSplit[] = [];
  for (const split of SPLITS) {
    const path = join(cache.folder, `${split}.parquet`);
    const rows = `FROM points JOIN split_of USING (series, dt) WHERE _split = ${literal(split)}`;
    await database.execute(
      `COPY (SELECT series, "time", value ${rows} ORDER BY series, "time")
       TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    written.push({
      split: split satisfies Split,
      path,
      sha256: await hashFile(path),
      bytes: (await stat(path)).size,
      ...(await database.row<{ rows: number }>(`SELECT count(*) AS rows ${rows}`)),
    });
  }
  return written;
}

const describeWindows = async ({ path, rows }: WrittenWindows) => ({
  key: WINDOWS,
  sha256: await hashFile(path),
  bytes: (await stat(path)).size,
  rows,
});
