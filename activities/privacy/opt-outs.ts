import { createHash } from 'node:crypto';
import type { Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import { identifier, type Database } from '../../platform/duckdb';
import {
  defineTable,
  listPartitionDays,
  type PartitionCache,
  type PulledObject,
} from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { columnNames } from '../features/columns';

const TABLE = 'opt-outs';

export interface OptOuts {
  /** Hash of the objects the list was read from; a fixed word where there are none. */
  version: string;
  entities: number;
  sources: PulledObject[];
  /** SQL condition on rows of the frame: true for entities that have not opted out. */
  condition: string;
}

/**
 * Everyone who has asked to be left out up to `asOf` (`raw/opt-outs/`, a partition on each day that brought requests).
 * The list concerns a model where it names all of the model's join keys.
 */
export async function readOptOuts(
  store: ObjectStore,
  cache: PartitionCache,
  database: Database,
  joinKeys: readonly string[],
  asOf: Day,
): Promise<OptOuts> {
  const days = (await listPartitionDays(store, `raw/${TABLE}/`)).filter((day) => day <= asOf);
  const sources = (await Promise.all(days.map((day) => cache.pull(Key.rawPartition(TABLE, day))))).flat();
  const none = { version: 'none', entities: 0, sources: [], condition: 'true' };
  if (sources.length === 0) return none;
  await defineTable(database, TABLE, sources);
  const columns = await columnNames(database, TABLE);
  if (!joinKeys.every((key) => columns.includes(key))) return none;
  const keys = joinKeys.map(identifier).join(', ');
  const { entities } = await database.row<{ entities: number }>(
    `SELECT count(*) AS entities FROM (SELECT DISTINCT ${keys} FROM ${identifier(TABLE)})`,
  );
  const hash = createHash('sha256');
  for (const { key, etag } of sources) hash.update(`${key} ${etag}\n`);
  const version = hash.digest('hex').slice(0, 16);
  const same = joinKeys.map((key) => `out.${identifier(key)} = frame.${identifier(key)}`).join(' AND ');
  const condition = `NOT EXISTS (SELECT 1 FROM ${identifier(TABLE)} AS out WHERE ${same})`;
  return { version, entities, sources, condition };
}
