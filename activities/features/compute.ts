import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { endOfDay, type Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import { personalColumns } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import { literal, withDatabase, type Database } from '../../platform/duckdb';
import { castColumns, columnTypes } from '../../platform/duckdb-types';
import type { PartitionCache, PulledObject } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { breach, inspectRows, keyRules } from '../quality/rules';
import { declaredColumns, joinKeyNames } from './columns';
import { findCompared, type Compared, type DaysUnderWay } from './compute-compared';
import { inspectPartition, partitionName, spillingInto, type PartitionInspection } from './compute-inspect';
import { publishPartition } from './compute-publish';
import { keepReport, partitionHash, reportOf, sourceHash } from './compute-report';
import { defineSources, runTransformation } from './compute-sources';
import { computedColumns, losslessRules } from './partition-schema';

export type ComputedView = FeatureView & { transformation: string };

/** What came of one day. */
export interface DayOutcome {
  key: string;
  rows: number;
  /** Whether the partition was written. */
  written: boolean;
  checks: number;
  summary: string;
}

/**
 * One day of a view: pulls the raw partitions it reads, runs its SQL, checks the result and only then writes
 * `features/<view>/dt=<day>/part-0.parquet` (join keys, event_timestamp = the day's end in UTC, created_timestamp,
 * features; ordered by join keys). Rows that stand there already keep their created time.
 * @throws MeridianError MissingObject, CorruptObject (naming the raw object), InvalidInput (the SQL), Conflict (naming
 * what others have put into the partition), DataQualityBreach; the report of a breach is kept.
 */
export async function computeDay(
  store: ObjectStore,
  cache: PartitionCache,
  view: ComputedView,
  day: Day,
  now: Date,
  underWay: DaysUnderWay | null = null,
): Promise<DayOutcome> {
  const compared = await findCompared(store, cache, view, day, underWay, (earlier) =>
    judge(cache, view, earlier, now),
  );
  return withDatabase(async (database) => {
    const { sources, ...inspection } = await computeRows(database, cache, view, day, now, compared);
    const { rows, checks, findings, summary } = inspection;
    const report = reportOf(view, day, now, inspection, {
      computedFrom: sourceHash(view, sources),
      partition: null,
      comparedWith: compared?.day ?? null,
    });
    if (!report.passed) throw breach(findings, await keepReport(store, view, report));
    const { objects, written } = await publishPartition(store, database, cache, view, day);
    await keepReport(store, view, { ...report, partition: partitionHash(objects) });
    return { key: objects[0]!.key, rows, written, checks: checks.length, summary };
  }, spillingInto(cache));
}

/** The rows of a day that others are writing, compared with nothing; null where they pass not even so. */
const judge = (cache: PartitionCache, view: ComputedView, day: Day, now: Date): Promise<Compared | null> =>
  withDatabase(async (database) => {
    const { rows, findings } = await computeRows(database, cache, view, day, now, null);
    if (findings.length > 0) return null;
    const path = join(cache.folder, `${day}-under-way.parquet`);
    await database.execute(`COPY __partition TO ${literal(path)} (FORMAT parquet)`);
    const { size } = await stat(path);
    return { day, rows, pull: async () => [{ key: Key.featurePartition(view, day), path, bytes: size }] };
  }, spillingInto(cache));

/** Leaves what is to be written in the view `__partition`. */
async function computeRows(
  database: Database,
  cache: PartitionCache,
  view: ComputedView,
  day: Day,
  now: Date,
  compared: Compared | null,
): Promise<PartitionInspection & { sources: PulledObject[] }> {
  const sources = await defineSources(database, cache, view.sources, day);
  await runTransformation(database, sources, view.transformation, day, Key.featureView(view).slice(0, -1));
  return { sources, ...(await inspectComputed(database, view, day, now, compared)) };
}

/** Columns and types first, since nothing else can be judged without; leaves what is to be written in the view `__partition`. */
async function inspectComputed(
  database: Database,
  view: FeatureView,
  day: Day,
  now: Date,
  compared: Compared | null,
): Promise<PartitionInspection> {
  const where = partitionName(view, day);
  const found = await columnTypes(database, 'computed');
  const lacking = computedColumns(view, where, found);
  const unfit = { rows: 0, checks: [], summary: '' };
  if (lacking.length > 0) return { ...unfit, findings: lacking };
  const keys = joinKeyNames(view);
  const types = await inspectRows(
    database,
    'computed',
    where,
    keys,
    [...keyRules(keys), ...losslessRules(declaredColumns(view), found)],
    personalColumns(view),
  );
  if (types.findings.length > 0) return { ...unfit, ...types };
  await database.execute(
    `CREATE VIEW __partition AS SELECT ${castColumns(view.entity.joinKeys).join(', ')},
       TIMESTAMPTZ ${literal(endOfDay(day))} AS event_timestamp,
       TIMESTAMPTZ ${literal(now.toISOString())} AS created_timestamp,
       ${castColumns(view.features).join(', ')} FROM computed`,
  );
  const typed = { day, table: '__partition', names: keys, rules: [] };
  const inspection = await inspectPartition(database, view, typed, compared);
  return { ...inspection, checks: [...types.checks, ...inspection.checks] };
}
