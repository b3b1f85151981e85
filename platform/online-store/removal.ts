import type { FeatureView } from '../../contracts/model';
import { limit } from '../concurrency';
import type { Redis } from '../redis';
import { encodeEntityKey, type JoinKey } from './entity-key';
import { fieldsOf, optedOutField } from './fields';
import { LUA_TIMESTAMP } from './lua';
import { callScript, defineScript } from './script';
import { encodeTimestamp, type Micros } from './timestamp';

/** KEYS: entities. ARGV: `_opted_out` and its value. Returns how many of them held anything else. */
const FORGET = defineScript(`
local held = 0
for i = 1, #KEYS do
  local since = redis.call('HGET', KEYS[i], ARGV[1])
  if redis.call('HLEN', KEYS[i]) > (since and 1 or 0) then held = held + 1 end
  redis.call('DEL', KEYS[i])
  redis.call('HSET', KEYS[i], ARGV[1], since or ARGV[2])
end
return held
`);

/** KEYS: entities. ARGV: `_opted_out`. Returns how many of them hold anything else. */
const COUNT_HELD = defineScript(`
local held = 0
for i = 1, #KEYS do
  if redis.call('HLEN', KEYS[i]) > redis.call('HEXISTS', KEYS[i], ARGV[1]) then held = held + 1 end
end
return held
`);

/** KEYS: entities. ARGV: a timestamp, then the view's fields. Returns how many entities lost the view's row. */
const REMOVE_STALE = defineScript(`${LUA_TIMESTAMP}
local removed = 0
for i = 1, #KEYS do
  local ts = redis.call('HGET', KEYS[i], ARGV[2])
  if ts and compare_times(ts, ARGV[1]) < 0 then
    redis.call('HDEL', KEYS[i], unpack(ARGV, 2))
    removed = removed + 1
  end
end
return removed
`);

const ENTITIES_PER_CALL = 200;
const CALLS_IN_FLIGHT = 4;

/** @returns How many entities held a feature until now. */
export const forgetEntities = (
  redis: Redis,
  project: string,
  joinKeys: readonly JoinKey[],
  entities: readonly Record<string, unknown>[],
  at: Micros,
): Promise<number> => {
  const since = Buffer.allocUnsafe(8);
  since.writeBigInt64LE(at);
  return sumOverSlices(entities, async (slice) => {
    const keys = slice.map((entity) => encodeEntityKey(project, joinKeys, entity));
    return (await callScript(redis, FORGET, keys, [optedOutField, since])) as number;
  });
};

/** @returns How many of the entities hold a feature of any view. */
export const countHeldEntities = (
  redis: Redis,
  project: string,
  joinKeys: readonly JoinKey[],
  entities: readonly Record<string, unknown>[],
): Promise<number> =>
  sumOverSlices(entities, async (slice) => {
    const keys = slice.map((entity) => encodeEntityKey(project, joinKeys, entity));
    return (await callScript(redis, COUNT_HELD, keys, [optedOutField])) as number;
  });

/** @returns How many rows were removed. */
export const removeStaleRows = (
  redis: Redis,
  project: string,
  view: FeatureView,
  entities: readonly Record<string, unknown>[],
  before: Micros,
): Promise<number> => {
  const args = [encodeTimestamp(before), ...fieldsOf(view)];
  return sumOverSlices(entities, async (slice) => {
    const keys = slice.map((entity) => encodeEntityKey(project, view.entity.joinKeys, entity));
    return (await callScript(redis, REMOVE_STALE, keys, args)) as number;
  });
};

async function sumOverSlices(
  entities: readonly Record<string, unknown>[],
  call: (slice: readonly Record<string, unknown>[]) => Promise<number>,
): Promise<number> {
  const limited = limit(CALLS_IN_FLIGHT);
  const slices = Array.from({ length: Math.ceil(entities.length / ENTITIES_PER_CALL) }, (_, n) =>
    entities.slice(n * ENTITIES_PER_CALL, (n + 1) * ENTITIES_PER_CALL),
  );
  const counts = await Promise.all(slices.map((slice) => limited(() => call(slice))));
  return counts.reduce((sum, count) => sum + count, 0);
}
