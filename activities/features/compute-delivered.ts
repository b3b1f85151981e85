import { addDays, endOfDay, type Day } from '../../contracts/days';
import type { QualityFinding } from '../../contracts/dataset';
import { Key } from '../../contracts/ids';
import { personalColumns } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import { identifier, literal, parquetFiles, withDatabase, type Database } from '../../platform/duckdb';
import { castColumns, columnTypes } from '../../platform/duckdb-types';
import { explainCorruption, type PartitionCache, type PulledObject } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { breach, inspectRows, missingRule, repeatedRule, type RowRule } from '../quality/rules';
import { inspectFreshness } from '../quality/volume';
import { declaredColumns, joinKeyNames } from './columns';
import type { DayOutcome } from './compute';
import { findCompared, type Compared, type DaysUnderWay } from './compute-compared';
import { inspectPartition, partitionName, spillingInto, type PartitionInspection } from './compute-inspect';
import { keepReport, partitionHash, reportOf } from './compute-report';
import { deliveredColumns, losslessRules } from './partition-schema';

/** How long after its day's end a delivered row's event may be, before it is told as out of place. */
const DAYS_AFTER = 1;

/**
 * Checks a partition that others deliver, before anything is loaded from it or trained on it.
 * @throws MeridianError CorruptObject, DataQualityBreach (naming object, column, and the types found and expected); the
 * report of a breach is kept.
 */
export async function inspectDelivered(
  store: ObjectStore,
  cache: PartitionCache,
  view: FeatureView,
  day: Day,
  now: Date,
  underWay: DaysUnderWay | null = null,
): Promise<DayOutcome> {
  const partition = Key.featurePartition(view, day);
  const pulled = await cache.pull(partition);
  const compared = await findCompared(store, cache, view, day, underWay, (earlier) =>
    judge(cache, view, earlier),
  );
  const inspection = await inspect(cache, view, day, pulled, compared);
  const { rows, checks, findings, summary } = inspection;
  const report = reportOf(view, day, now, inspection, {
    computedFrom: null,
    partition: partitionHash(pulled),
    comparedWith: compared?.day ?? null,
  });
  const kept = await keepReport(store, view, report);
  if (!report.passed) throw breach(findings, kept);
  return {
    key: pulled.length === 1 ? pulled[0]!.key : partition,
    rows,
    written: false,
    checks: checks.length,
    summary,
  };
}

/** The rows of a day that others are checking, compared with nothing; null where they pass not even so. */
async function judge(cache: PartitionCache, view: FeatureView, day: Day): Promise<Compared | null> {
  const pulled = await cache.pull(Key.featurePartition(view, day));
  const { rows, findings } = await inspect(cache, view, day, pulled, null);
  return findings.length > 0 ? null : { day, rows, pull: async () => pulled };
}

const inspect = (
  cache: PartitionCache,
  view: FeatureView,
  day: Day,
  pulled: readonly PulledObject[],
  compared: Compared | null,
): Promise<PartitionInspection> =>
  withDatabase(
    (database) =>
      explainCorruption(database, pulled, () => inspectPulled(database, view, day, pulled, compared)),
    spillingInto(cache),
  );

async function inspectPulled(
  database: Database,
  view: FeatureView,
  day: Day,
  pulled: readonly PulledObject[],
  compared: Compared | null,
): Promise<PartitionInspection> {
  const where = partitionName(view, day);
  const unfit = { rows: 0, checks: [], summary: '' };
  const wrong = await inspectSchemas(database, view, pulled);
  if (wrong.length > 0) return { ...unfit, findings: wrong };

  const files = parquetFiles(pulled.map(({ path }) => path));
  const found = await columnTypes(database, files);
  const created = found.has('created_timestamp') ? 'created_timestamp::TIMESTAMPTZ' : 'NULL::TIMESTAMPTZ';
  const declared = declaredColumns(view);
  await database.execute(
    `CREATE VIEW delivered AS SELECT ${declared.map(({ name }) => identifier(name)).join(', ')},
       event_timestamp::TIMESTAMPTZ AS event_timestamp, ${created} AS created_timestamp FROM ${files}`,
  );
  const keys = joinKeyNames(view);
  const names = [...keys, 'event_timestamp', 'created_timestamp'];
  const types = await inspectRows(
    database,
    'delivered',
    where,
    names,
    losslessRules(declared, found),
    personalColumns(view),
  );
  if (types.findings.length > 0) return { ...unfit, ...types };
  await database.execute(
    `CREATE VIEW __partition AS SELECT ${castColumns(declared).join(', ')}, event_timestamp, created_timestamp
     FROM delivered`,
  );
  const typed = { day, table: '__partition', names, rules: deliveredRules(keys, day) };
  const inspection = await inspectPartition(database, view, typed, compared);
  const told = found.has('created_timestamp')
    ? []
    : ['created_timestamp: the partition has none; its rows count as older than any with one'];
  return { ...inspection, checks: [...types.checks, ...told, ...inspection.checks] };
}

/**
 * Where nothing was delivered on the last day, the newest row of the days before must still be young enough.
 * @throws MeridianError DataQualityBreach where the view declares an age, and it is older.
 */
export async function refuseStale(
  cache: PartitionCache,
  view: FeatureView,
  absent: readonly Day[],
  standing: readonly Day[],
): Promise<void> {
  const day = absent.at(-1);
  if (view.checks?.maxAgeHours === undefined || day === undefined) return;
  const newest = standing.filter((one) => one < day).at(-1);
  if (standing.some((one) => one > day)) return;
  const { findings } = inspectFreshness(
    view.checks,
    partitionName(view, day),
    day,
    newest === undefined ? null : await newestEvent(cache, Key.featurePartition(view, newest), day),
  );
  if (findings.length > 0) throw breach(findings);
}

async function newestEvent(cache: PartitionCache, partition: string, day: Day): Promise<string | null> {
  const pulled = await cache.pull(partition);
  const files = parquetFiles(pulled.map(({ path }) => path));
  return withDatabase((database) =>
    explainCorruption(database, pulled, async () => {
      const { newest } = await database.row<{ newest: Date | null }>(
        `SELECT max(event_timestamp::TIMESTAMPTZ) AS newest FROM ${files}
         WHERE event_timestamp::TIMESTAMPTZ <= TIMESTAMPTZ ${literal(endOfDay(day))}`,
      );
      return newest?.toISOString() ?? null;
    }),
  );
}

/** Each object by itself: read together, a wrong type in one would pass for a wider type of all. */
async function inspectSchemas(
  database: Database,
  view: FeatureView,
  pulled: readonly PulledObject[],
): Promise<QualityFinding[]> {
  const findings: QualityFinding[] = [];
  for (const { key, path } of pulled) {
    const file = parquetFiles([path]);
    const hasValues = async (column: string): Promise<boolean> =>
      (await database.row<{ found: number }>(`SELECT count(${identifier(column)}) AS found FROM ${file}`))
        .found > 0;
    findings.push(...(await deliveredColumns(view, key, await columnTypes(database, file), hasValues)));
  }
  return findings;
}

/** Rows without a key or a time match nothing and are told, not refused; so are rows of another time than the partition's. */
function deliveredRules(keys: readonly string[], day: Day): RowRule[] {
  const latest = endOfDay(addDays(day, DAYS_AFTER));
  return [
    ...[...keys, 'event_timestamp'].map((name) => missingRule(name, 1)),
    {
      check: 'event_timestamp is of the partition',
      bad: `event_timestamp > TIMESTAMPTZ ${literal(latest)}`,
      complaint: `have an event_timestamp after ${latest}`,
      allowedShare: 1,
    },
    repeatedRule(
      'one row an entity, event time and created time',
      [...keys, 'event_timestamp', 'created_timestamp'],
      [...keys, 'event_timestamp'],
    ),
  ];
}
