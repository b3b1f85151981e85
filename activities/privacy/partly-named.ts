import { keysText, namingKeys, type JoinKeys } from '../../contracts/opt-outs';
import type { Database } from '../../platform/duckdb';
import type { OnlineStore } from '../../platform/online-store';
import { entitiesOf, type Batch, type Entity } from './entities';
import type { OptedOut } from './opt-outs';

/**
 * Who stands online under more join keys than the list names them by. What the other keys are the list does not say, so
 * that the store is gone through once; where nobody can be meant it is not.
 */
export async function* findPartlyNamed(
  online: OnlineStore,
  database: Database,
  kinds: readonly JoinKeys[],
  optedOut: readonly OptedOut[],
): AsyncGenerator<Batch> {
  const isNamed = new Map<string, (entity: Entity) => boolean>();
  for (const joinKeys of kinds) {
    const [, ...some] = namingKeys(joinKeys).map(keysText);
    const by = optedOut.filter((named) => some.includes(keysText(named.joinKeys)));
    const tests = await Promise.all(by.map((named) => membership(database, named)));
    if (tests.length > 0) isNamed.set(keysText(joinKeys), (entity) => tests.some((test) => test(entity)));
  }
  const wanted = kinds.filter((joinKeys) => isNamed.has(keysText(joinKeys)));
  if (wanted.length === 0) return;
  for await (const page of online.scan(wanted))
    for (const { joinKeys, entities } of page)
      yield { joinKeys, entities: entities.filter(isNamed.get(keysText(joinKeys))!) };
}

/** Tells whether an entity is one of these; the list is held in memory, as text. */
async function membership(database: Database, optedOut: OptedOut): Promise<(entity: Entity) => boolean> {
  const textOf = (entity: Entity): string =>
    JSON.stringify(optedOut.joinKeys.map(({ name }) => String(entity[name])));
  const texts = new Set<string>();
  for await (const { entities } of entitiesOf(database, optedOut))
    for (const entity of entities) texts.add(textOf(entity));
  return (entity) => texts.has(textOf(entity));
}
