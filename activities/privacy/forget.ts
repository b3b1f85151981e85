import { createHash } from 'node:crypto';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { JoinKeys } from '../../contracts/opt-outs';
import type { Database } from '../../platform/duckdb';
import type { OnlineStore } from '../../platform/online-store';
import { heartbeat } from '../progress';
import { entitiesOf, type Batch, type Entity } from './entities';
import type { OptedOut, OptOuts } from './opt-outs';
import { findPartlyNamed } from './partly-named';

/** Where it is, as the heartbeat tells it; a later attempt over the same list goes on from there. */
export interface OptOutHeartbeat {
  phase: 'forgetting' | 'verifying' | 'checking snapshots' | 'erasing texts';
  /** Version of the list. */
  version: string;
  /** The Redis process that forgot: another one may have lost what this one was told. */
  server: string;
  /** Entities forgotten, and how many of them held a feature. */
  done: number;
  of: number;
  removed: number;
  /** The snapshot, or the label review, that is looked at. */
  snapshot?: string;
  review?: string;
}

export interface Forgotten {
  /** The Redis process that was told. */
  server: string;
  removed: number;
  verified: number;
  digest: string;
}

/**
 * Takes everyone on the list out of the online store, batch by batch, also who stands there under more join keys than the
 * list names them by, and reads everyone back afterwards.
 * @param kinds All join keys that views have.
 * @throws MeridianError DataQualityBreach where somebody on the list still holds a feature; DependencyUnavailable where
 * marks were lost meanwhile.
 */
export async function forgetEveryone(
  online: OnlineStore,
  database: Database,
  { kinds: optedOut, version, entities: of }: OptOuts,
  kinds: readonly JoinKeys[],
  resumed: OptOutHeartbeat | undefined,
): Promise<Forgotten> {
  const server = await online.serverIdentity();
  const last = resumed?.version === version && resumed.server === server ? resumed : undefined;
  // Who found marks missing while verifying begins anew.
  const behind = last === undefined || last.phase === 'verifying' ? 0 : last.done;
  const progress: OptOutHeartbeat = {
    phase: 'forgetting',
    version,
    server,
    done: behind,
    of,
    removed: last?.removed ?? 0,
  };
  let done = 0;
  const hash = createHash('sha256');
  for (const kind of optedOut) {
    for await (const { joinKeys, entities } of entitiesOf(database, kind)) {
      heartbeat({ ...progress });
      progress.removed += await online.forget(joinKeys, entities.slice(Math.max(0, behind - done)));
      done += entities.length;
      progress.done = Math.max(done, behind);
      for (const entity of entities) hash.update(`${digestLine(joinKeys, entity)}\n`);
    }
  }
  const partlyNamed: Batch[] = [];
  for await (const batch of findPartlyNamed(online, database, kinds, optedOut)) {
    heartbeat({ ...progress });
    progress.removed += await online.forget(batch.joinKeys, batch.entities);
    if (batch.entities.length > 0) partlyNamed.push(batch);
  }
  const verified = await verifyForgotten(online, database, optedOut, partlyNamed, progress);
  return { server, removed: progress.removed, verified, digest: hash.digest('hex') };
}

async function verifyForgotten(
  online: OnlineStore,
  database: Database,
  optedOut: readonly OptedOut[],
  partlyNamed: readonly Batch[],
  progress: OptOutHeartbeat,
): Promise<number> {
  const count = { verified: 0, held: 0, marked: 0 };
  const verify = async ({ joinKeys, entities }: Batch): Promise<void> => {
    heartbeat({ ...progress, phase: 'verifying' } satisfies OptOutHeartbeat);
    count.held += await online.countHeld(joinKeys, entities);
    count.marked += await online.countMarked(joinKeys, entities);
    count.verified += entities.length;
  };
  for (const kind of optedOut) for await (const batch of entitiesOf(database, kind)) await verify(batch);
  for (const batch of partlyNamed) await verify(batch);
  const { verified, held, marked } = count;
  if (held > 0)
    throw new MeridianError(
      ErrorCode.DataQualityBreach,
      `raw/opt-outs: read ${verified} entities on the list back from the online store and found features of ${held} of ` +
        'them, expected none. Somebody else writes to the online store, past this platform; find out who, then retry.',
    );
  if (marked < verified)
    throw new MeridianError(
      ErrorCode.DependencyUnavailable,
      `raw/opt-outs: read ${verified} entities on the list back from the online store and found the mark of ${marked} of ` +
        'them, expected all. The online store lost what it was told (or evicts keys); they are marked again.',
    );
  return verified;
}

/** One line an entity, as the proof's digest has it: its join keys as JSON, sorted by name, integers as text. */
const digestLine = (joinKeys: JoinKeys, entity: Entity): string =>
  JSON.stringify(joinKeys.map(({ name }) => [name, String(entity[name])]));
