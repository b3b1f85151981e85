import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { StoreComparison } from '../../contracts/features';
import { personalColumns, showEntity } from '../../contracts/masking';
import type { FeatureView } from '../../contracts/model';
import { createOnlineStore, type Micros, type OnlineStore } from '../../platform/online-store';
import { withPartitionCache } from '../../platform/partitions';
import type { Redis } from '../../platform/redis';
import { sha256, type ObjectStore } from '../../platform/s3';
import { heartbeat } from '../progress';
import { compareRows, type MayBeNewer, type StandingRow, type Verdict } from './compare';
import { endOfDayMicros, openOfflineStore, type OfflineStore } from './compare-offline';
import { readWatermark, type Watermark } from './watermark';

export interface CompareStoresInput {
  view: FeatureView;
  /** Entities that are compared, at most. */
  sample: number;
  /** Chooses the entities: another seed, other entities. */
  seed: string;
}

interface Dependencies {
  store: ObjectStore;
  redis: Redis;
  project: string;
}

const EXAMPLES = 5;
const ENTITIES_PER_READ = 500;

/**
 * The activity `compareStores`: holds a sample of what stands online against the offline store as of the view's
 * watermark, and looks among as many entities online for some that have no row offline. A row that may have been pushed,
 * that a load under way may have written, or that has expired, says nothing of a load, and is not counted against it.
 * @throws MeridianError CorruptObject (an offline object), DependencyUnavailable.
 */
export function createCompareStores({ store, redis, project }: Dependencies) {
  const online = createOnlineStore(redis, project);

  return async ({ view, sample, seed }: CompareStoresInput): Promise<StoreComparison> => {
    heartbeat({ phase: 'reading offline', view: view.name });
    const watermark = await readWatermark(store, view);
    if (!watermark) return summarize(view, null, []);
    return withPartitionCache(store, async (cache) => {
      const offline = await openOfflineStore(store, cache, view, watermark.asOf);
      const end = endOfDayMicros(watermark.asOf);
      const comparison: Comparison = {
        view,
        online,
        offline,
        end,
        mayBeNewer: (event) => view.push === true || (event > end && event <= offline.newest),
        sample,
        seed,
      };
      try {
        const verdicts = [...(await compareOffline(comparison)), ...(await compareOnline(comparison))];
        return summarize(view, watermark, verdicts);
      } finally {
        offline.close();
      }
    });
  };
}

interface Comparison extends CompareStoresInput {
  online: OnlineStore;
  offline: OfflineStore;
  /** The end of the day up to which the view is loaded. */
  end: Micros;
  mayBeNewer: MayBeNewer;
}

/** From the offline store to the online one. */
async function compareOffline({
  view,
  online,
  offline,
  mayBeNewer,
  sample,
  seed,
}: Comparison): Promise<Verdict[]> {
  const personal = personalColumns(view);
  const rows = await offline.sample(seed, sample);
  const standing = await readStanding(
    online,
    view,
    rows.map(({ entity }) => entity),
  );
  return rows.flatMap((row, index) => {
    const there = standing[index]!;
    return there === 'opted-out' ? [] : [compareRows(view, personal, row, there, mayBeNewer)];
  });
}

/** From the online store to the offline one: only what has no row there counts, the rest is compared already. */
async function compareOnline({
  view,
  online,
  offline,
  end,
  mayBeNewer,
  sample,
  seed,
}: Comparison): Promise<Verdict[]> {
  const from = Number.parseInt(sha256(seed).slice(0, 8), 16);
  const entities = await online.sample(view.entity.joinKeys, { from, atMost: sample });
  const orphans = await offline.withoutRow(entities);
  const standing = await readStanding(online, view, orphans);
  const personal = personalColumns(view);
  const expired = view.ttlSeconds === 0 ? offline.after : end - BigInt(view.ttlSeconds) * 1_000_000n - 1n;
  return orphans.flatMap((entity, index): Verdict[] => {
    const row = standing[index];
    if (!row || row === 'opted-out') return [];
    if (mayBeNewer(row.eventTimestamp)) return [{ kind: 'newer' }];
    if (expired !== null && row.eventTimestamp <= expired) return [];
    return [
      { kind: 'different', example: `${showEntity(entity, personal)}: row offline nothing, online one` },
    ];
  });
}

type Standing = StandingRow | 'opted-out' | null;

/** What stands of each entity, however old; null where nothing does, or nothing that can be read. */
async function readStanding(
  online: OnlineStore,
  view: FeatureView,
  entities: readonly Record<string, unknown>[],
): Promise<Standing[]> {
  const standing: Standing[] = [];
  for (let at = 0; at < entities.length; at += ENTITIES_PER_READ) {
    heartbeat({ phase: 'reading online', view: view.name, done: at, of: entities.length });
    const some = entities.slice(at, at + ENTITIES_PER_READ);
    try {
      standing.push(...(await readSome(online, view, some)));
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      // Bytes of another type than declared: a difference like any other, of one entity.
      for (const entity of some)
        standing.push(...(await readSome(online, view, [entity]).catch(nullWhereCorrupt)));
    }
  }
  return standing;
}

async function readSome(
  online: OnlineStore,
  view: FeatureView,
  entities: readonly Record<string, unknown>[],
): Promise<Standing[]> {
  const answers = await online.getOnlineFeaturesOfMany({
    views: [{ ...view, ttlSeconds: 0 }],
    features: view.features.map(({ name }) => ({ view: view.name, feature: name })),
    entities,
  });
  // After the values: of a row that is replaced between the two reads, the newer times are seen.
  const rows = await online.standingRows(view, entities);
  return answers.map((answer, index) => {
    const row = rows[index]!;
    const { eventTimestamp } = answer[0]!;
    if (row === 'opted-out') return row;
    if (row === null || eventTimestamp === null) return null;
    // A row written between the two reads has a created time that was not read.
    const createdTimestamp = row.event === eventTimestamp ? row.created : null;
    return { eventTimestamp, createdTimestamp, values: answer.map(({ value }) => value) };
  });
}

const isCorrupt = (error: unknown): boolean =>
  error instanceof MeridianError && error.code === ErrorCode.CorruptObject;

function nullWhereCorrupt(error: unknown): [null] {
  if (isCorrupt(error)) return [null];
  throw error;
}

function summarize(
  view: FeatureView,
  watermark: Watermark | null,
  verdicts: readonly Verdict[],
): StoreComparison {
  const count = (kind: Verdict['kind']): number => verdicts.filter((verdict) => verdict.kind === kind).length;
  const [equal, pushed] = [count('equal'), count('newer')];
  const judged = verdicts.length - pushed;
  return {
    view: view.name,
    watermark: watermark?.asOf ?? null,
    compared: verdicts.length,
    equal,
    pushed,
    score: judged === 0 ? 1 : equal / judged,
    examples: verdicts
      .flatMap((verdict) => (verdict.kind === 'different' ? [verdict.example] : []))
      .slice(0, EXAMPLES),
  };
}
