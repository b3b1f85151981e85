import { canonicalJson } from '../../contracts/canonical-json';
import type { PartitionReport } from '../../contracts/features';
import type { Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { sha256, type ObjectStore, type StoredObject } from '../../platform/s3';

const identities = (objects: readonly StoredObject[]): string[][] =>
  objects.map(({ key, etag }) => [key, etag]).sort(([a], [b]) => (a! < b! ? -1 : 1));

/** Names what a partition consists of: changes with every object that is added, removed or written again. */
export const partitionHash = (objects: readonly StoredObject[]): string =>
  sha256(canonicalJson(identities(objects)));

/** Names what a partition is computed from: the raw objects, the SQL, and what it is declared to give. */
export const sourceHash = (view: FeatureView, sources: readonly StoredObject[]): string =>
  sha256(
    canonicalJson({
      version: view.version,
      transformation: view.transformation,
      columns: [...view.entity.joinKeys, ...view.features].map(({ name, type }) => [name, type]),
      sources: identities(sources),
    }),
  );

/** The report of a check, with what is known of the partition. */
export function reportOf(
  { name, version }: FeatureView,
  day: Day,
  now: Date,
  { rows, checks, findings }: Pick<PartitionReport, 'rows' | 'checks' | 'findings'>,
  known: Pick<PartitionReport, 'computedFrom' | 'partition' | 'comparedWith'>,
): PartitionReport {
  return {
    formatVersion: 1,
    view: name,
    version,
    day,
    rows,
    checkedAt: now.toISOString(),
    passed: findings.length === 0,
    checks,
    findings,
    ...known,
  };
}

/** The report of the partition that stands; null where it was never checked. */
export async function readReport(
  store: ObjectStore,
  view: FeatureView,
  day: Day,
): Promise<PartitionReport | null> {
  const found = await store.find(Key.partitionReport(view, day));
  return found && (JSON.parse(found.body.toString('utf8')) as PartitionReport);
}

/**
 * Keeps the report. One of a check that was not passed is kept beside that of what stands, which goes on telling what
 * that was computed from.
 * @returns Where it is kept.
 */
export async function keepReport(
  store: ObjectStore,
  view: FeatureView,
  report: PartitionReport,
): Promise<string> {
  const key = (report.passed ? Key.partitionReport : Key.failedPartitionReport)(view, report.day);
  await store.put(key, JSON.stringify(report, null, 2));
  return store.uri(key);
}
