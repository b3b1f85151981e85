import type { JoinKeys } from '../../contracts/opt-outs';
import { identifier, type Database } from '../../platform/duckdb';
import type { OptedOut } from './opt-outs';

/** Entities of one set of join keys, some at a time. */
export interface Batch {
  joinKeys: JoinKeys;
  entities: Entity[];
}

export type Entity = Record<string, unknown>;

const ENTITIES_PER_BATCH = 10_000;

/** Everyone of a kind, in an order that does not depend on the files. */
export async function* entitiesOf(database: Database, { joinKeys, table }: OptedOut): AsyncGenerator<Batch> {
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
    yield { joinKeys, entities: batch };
    batch = [];
  }
  if (batch.length > 0) yield { joinKeys, entities: batch };
}
