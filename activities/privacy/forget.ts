import { createHash } from 'node:crypto';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { identifier, type Database } from '../../platform/duckdb';
import type { OnlineStore } from '../../platform/online-store';
import { heartbeat } from '../progress';
import type { JoinKeys, OptedOut, OptOuts } from './opt-outs';

/** Where it is, as the heartbeat tells it; a later attempt over the same list goes on from there. */
export interface OptOutHeartbeat {
  phase: 'forgetting' | 'verifying' | 'checking snapshots';
  /** Version of the list. */
  version: string;
  /** Entities forgotten, and how many of them held a feature. */
  done: number;
  of: number;
  removed: number;
  /** The snapshot that is looked at. */
  snapshot?: string;
}

export interface Forgotten {
  removed: number;
  verified: number;
  digest: string;
}

type Entity = Record<string, unknown>;

const ENTITIES_PER_BATCH = 10_000;

/**
 * Takes everyone on the list out of the online store, batch by batch, and reads everyone back afterwards.
 * @throws MeridianError DataQualityBreach where somebody on the list still holds a feature.
 */
export async function forgetEveryone(
  online: OnlineStore,
  database: Database,
  { kinds, version, entities: of }: OptOuts,
  resumed: OptOutHeartbeat | undefined,
): Promise<Forgotten> {
  const behind = resumed?.version === version ? resumed.done : 0;
  let removed = behind > 0 ? resumed!.removed : 0;
  let done = 0;
  const hash = createHash('sha256');
  for (const kind of kinds) {
    for await (const batch of entitiesOf(database, kind)) {
      heartbeat({
        phase: 'forgetting',
        version,
        done: Math.max(done, behind),
        of,
        removed,
      } satisfies OptOutHeartbeat);
      removed += await online.forget(kind.joinKeys, batch.slice(Math.max(0, behind - done)));
      done += batch.length;
      for (const entity of batch) hash.update(`${digestLine(kind.joinKeys, entity)}\n`);
    }
  }
  const verified = await verifyForgotten(online, database, kinds, {
    phase: 'verifying',
    version,
    done,
    of,
    removed,
  });
  return { removed, verified, digest: hash.digest('hex') };
}

async function verifyForgotten(
  online: OnlineStore,
  database: Database,
  kinds: readonly OptedOut[],
  progress: OptOutHeartbeat,
): Promise<number> {
  let verified = 0;
  let held = 0;
  for (const kind of kinds) {
    for await (const batch of entitiesOf(database, kind)) {
      heartbeat(progress);
      held += await online.countHeld(kind.joinKeys, batch);
      verified += batch.length;
    }
  }
  if (held === 0) return verified;
  throw new MeridianError(
    ErrorCode.DataQualityBreach,
    `raw/opt-outs: read ${verified} entities on the list back from the online store and found features of ${held} of ` +
      'them, expected none. Somebody else writes to the online store, past this platform; find out who, then retry.',
  );
}

/** One line an entity, as the proof's digest has it: its join keys as JSON, sorted by name, integers as text. */
export const digestLine = (joinKeys: JoinKeys, entity: Entity): string =>
  JSON.stringify(joinKeys.map(({ name }) => [name, String(entity[name])]));

/** Everyone of a kind, in an order that does not depend on the files. */
async function* entitiesOf(database: Database, { joinKeys, table }: OptedOut): AsyncGenerator<Entity[]> {
  const keys = joinKeys.map(({ name }) => identifier(name)).join(', ');
  const result = await database.stream(
    `SELECT ${keys} FROM ${identifier(table)} ORDER BY ${joinKeys.map(({ name }) => `${identifier(name)}::VARCHAR`).join(', ')}`,
  );
  let batch: Entity[] = [];
  for (
    let chunk = await result.fetchChunk();
    chunk && chunk.rowCount > 0;
    chunk = await result.fetchChunk()
  ) {
    for (const cells of chunk.getRows())
      batch.push(Object.fromEntries(joinKeys.map(({ name }, index) => [name, cells[index]])));
    if (batch.length < ENTITIES_PER_BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
