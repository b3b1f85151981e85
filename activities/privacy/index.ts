import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { storedName } from '../../contracts/feature-view';
import type { OptOutProof } from '../../contracts/features';
import { FEAST_PROJECT, Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { openDatabase } from '../../platform/duckdb';
import { listFeatureViews } from '../../platform/feature-views';
import { createOnlineStore } from '../../platform/online-store';
import { withPartitionCache } from '../../platform/partitions';
import type { Redis } from '../../platform/redis';
import type { ObjectStore } from '../../platform/s3';
import { heartbeat } from '../progress';
import { expireSnapshots } from './expiry';
import { forgetEveryone, type OptOutHeartbeat } from './forget';
import { kindsOf } from './namings';
import { readOptOuts, refuseUnnamed } from './opt-outs';
import { eraseReviewTexts } from './review-texts';

interface Dependencies {
  store: ObjectStore;
  redis: Redis;
  /** Feast's project; part of every key in Redis. */
  project?: string;
  /** How long a snapshot that holds somebody on the list may still be used. */
  expiryDays?: number;
}

const EXPIRY_DAYS = 30;

export function createPrivacyActivities({
  store,
  redis,
  project = FEAST_PROJECT,
  expiryDays = EXPIRY_DAYS,
}: Dependencies) {
  const online = createOnlineStore(redis, project);

  return {
    /**
     * Carries out the list of everyone who asked to be left out (`raw/opt-outs/`): takes them out of the online store for
     * good (no later load or push brings them back), marks the snapshots that hold them or what belongs to them, takes
     * their texts out of label reviews, and writes down the proof.
     * Who is out stays out, also where a list is lost or shortened. The same run asked twice gives the same proof.
     * @throws MeridianError DataQualityBreach (a list that names nobody, features that are still there), CorruptObject.
     */
    enforceOptOuts: async ({
      views,
      runKey,
    }: {
      views: FeatureView[];
      runKey: string;
    }): Promise<OptOutProof> => {
      const resumed = Context.current().info.heartbeatDetails as OptOutHeartbeat | undefined;
      heartbeat(resumed ?? { phase: 'reading' });
      return withPartitionCache(store, async (cache) => {
        const database = await openDatabase({ temporaryFolder: join(cache.folder, 'spill') });
        try {
          // Views that are pushed, or that this run does not load, hold people as well.
          const everywhere = [...views, ...(await listFeatureViews(store))];
          const optOuts = await readOptOuts(store, cache, database, everywhere);
          const { version, entities, unfit } = optOuts;
          const earlier = await findProof(store, runKey);
          if (earlier?.version === version) return earlier;
          await refuseUnnamed(database, optOuts, everywhere);
          const forgotten = await forgetEveryone(online, database, optOuts, kindsOf(everywhere), resumed);
          const { server, removed } = forgotten;
          const heldAgainst = { optOuts, views: everywhere };
          const progress = { version, server, done: entities, of: entities, removed };
          const expiring = await expireSnapshots(store, database, cache.folder, heldAgainst, expiryDays, {
            ...progress,
            phase: 'checking snapshots',
          });
          const erasedTexts = await eraseReviewTexts(store, cache, database, {
            ...progress,
            phase: 'erasing texts',
          });
          const proof: OptOutProof = {
            formatVersion: 1,
            version,
            at: new Date().toISOString(),
            entities,
            removed,
            verified: forgotten.verified,
            digest: forgotten.digest,
            views: [...new Set(everywhere.map(storedName))].sort(),
            expiring,
            erasedTexts,
            unfit,
          };
          await store.put(Key.optOutProof(runKey), JSON.stringify(proof, null, 2));
          return proof;
        } finally {
          database.close();
        }
      });
    },
  };
}

async function findProof(store: ObjectStore, runKey: string): Promise<OptOutProof | null> {
  const found = await store.find(Key.optOutProof(runKey));
  return found && (JSON.parse(found.body.toString('utf8')) as OptOutProof);
}
