import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { Day } from '../../contracts/days';
import type { MaterializedView } from '../../contracts/features';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { findFeatureView } from '../../platform/feature-views';
import { createOnlineStore, type Micros } from '../../platform/online-store';
import { withPartitionCache, type PartitionCache, type PulledObject } from '../../platform/partitions';
import type { Redis } from '../../platform/redis';
import type { ObjectStore } from '../../platform/s3';
import { readOptOuts } from '../privacy/opt-outs';
import { heartbeat } from '../progress';
import { admitPartitions } from './admission';
import { loadNewest } from './load';
import type { LoadPosition } from './load-chunks';
import { mayHaveLost, reloadAll, requireKept } from './load-mark';
import { loadDays } from './load-partitions';
import { removeWithdrawn } from './load-withdrawn';
import { moveWatermark, readWatermark } from './watermark';

export interface MaterializeViewInput {
  /** As it was when the run began: it is loaded as it is published now. */
  view: FeatureView;
  /** The newest day that was computed for this load. */
  asOf: Day;
  /** Names the load in the watermark. */
  runKey: string;
}

export interface MaterializeDependencies {
  store: ObjectStore;
  redis: Redis;
  project: string;
}

/** Where a load is, as its heartbeat tells it and the Temporal UI shows it; a later attempt goes on from there. */
export type MaterializeHeartbeat =
  | { phase: 'reading' | 'removing'; view: string; position?: LoadPosition }
  | { phase: 'writing' | 'verifying'; view: string; position: LoadPosition };

/**
 * The activity `materializeView`: loads the newest row of every entity alive at the end of `asOf`, or of the watermark where
 * that is later, into the online store: takes out what no longer stands offline, writes chunk by chunk, reads a sample
 * back, and moves the watermark. Entities on the list of those who opted out until now are not loaded.
 * @throws MeridianError MissingObject, CorruptObject or DataQualityBreach (naming the partition), DependencyUnavailable,
 *   Conflict (retryable; the next attempt loads the view as a whole).
 */
export function createMaterializeView({ store, redis, project }: MaterializeDependencies) {
  const online = createOnlineStore(redis, project);

  return async ({ view: given, asOf: asked, runKey }: MaterializeViewInput): Promise<MaterializedView> => {
    const last = Context.current().info.heartbeatDetails as MaterializeHeartbeat | undefined;
    const tell = (phase: MaterializeHeartbeat['phase'], position?: LoadPosition): void =>
      heartbeat({ phase, view: given.name, position });
    const view = (await findFeatureView(store, given)) ?? given;
    const before = await readWatermark(store, view);
    const lost = await mayHaveLost(online, view, before);
    return withPartitionCache(store, async (cache) => {
      tell('reading', last?.position);
      const since = BigInt(Date.now()) * 1000n;
      const days = await loadDays(store, view, asked, before?.asOf ?? null, lost);
      const { asOf } = days;
      const admission = await admitPartitions(store, cache, view, days.load, () =>
        tell('reading', last?.position),
      );
      const leftOut = admission.refused.map(({ day }) => day);
      // An older one is made up for by those after it; without the newest there is nothing to load it for.
      if (leftOut.at(-1) === days.load.at(-1)) throw admission.refused.at(-1)!.breach;
      let removed = 0;
      const loaded = await loadNewest({
        view,
        asOf,
        runKey,
        online,
        folder: cache.folder,
        files: await pull(
          cache,
          view,
          admission.admitted.map(({ day }) => day),
        ),
        resume: last?.position,
        keep: async (database) => (await readOptOuts(store, cache, database, [view])).condition,
        onChunk: (position) => tell('writing', position),
        onVerify: (position) => tell('verifying', position),
        onFound: async (database) => {
          const scope = { view, asOf, since, from: days.from, complete: leftOut.length === 0 };
          const withdrawn = await removeWithdrawn(database, online, scope, () =>
            tell('removing', last?.position),
          );
          if (withdrawn.counted > 0) await reloadAll(online, view, withdrawn.counted);
          removed = withdrawn.removed;
        },
      });
      await requireKept(online, view);
      const newestEvent = toIso(loaded.newestEvent);
      const mark = randomUUID();
      const watermark = await moveWatermark(store, {
        view: view.name,
        version: view.version,
        asOf,
        newestEvent,
        runKey,
        entities: loaded.entities,
        mark,
        movedAt: new Date().toISOString(),
      });
      if (watermark.mark === mark) await online.setLoadMark(view, mark);
      return {
        view: view.name,
        entities: loaded.entities,
        written: loaded.written,
        skipped: loaded.skipped + loaded.refused,
        removed,
        leftOut,
        verified: loaded.verified,
        watermark: watermark.asOf,
        newestEvent,
      };
    });
  };
}

const pull = async (
  cache: PartitionCache,
  view: FeatureView,
  days: readonly Day[],
): Promise<PulledObject[]> =>
  (await Promise.all(days.map((day) => cache.pull(Key.featurePartition(view, day))))).flat();

const toIso = (micros: Micros | null): string | null =>
  micros === null ? null : new Date(Number(micros / 1000n)).toISOString();
