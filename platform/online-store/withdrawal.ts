import type { FeatureView } from '../../contracts/model';
import { limit } from '../concurrency';
import type { Redis } from '../redis';
import { ByteWriter } from './bytes';
import { entityKeyEncoder } from './entity-key';
import { CREATED_AT, fieldsOf, TIMESTAMP_AT } from './fields';
import { LUA_TIMESTAMP } from './lua';
import { callScript, defineScript } from './script';
import { encodeTimestamp, type Micros } from './timestamp';

/** What the offline store knows of an entity. */
export interface OfflineState {
  entity: Record<string, unknown>;
  /** Event time of its newest row; null where it has none. */
  event: Micros | null;
}

export interface WithdrawalBounds {
  /** Rows of later events are left alone: the offline store was not asked about them. */
  until: Micros;
  /** Rows created later than this are left alone: it may not have had them yet when it was asked. */
  createdBy: Micros;
  /**
   * Where the offline store was asked about events after this only: an entity that it has no row of may have an older
   * one, so that its row is not removed, but counted.
   */
  after?: Micros;
}

export interface Withdrawal {
  removed: number;
  /** Rows of later events than `after`, of entities without any. */
  counted: number;
}

/**
 * KEYS: entities. ARGV: `until`, `createdBy` (`ByteWriter.order`), `after` or nothing, for each entity a byte with the
 * length of its offline timestamp and the timestamp (255: none), then the view's fields.
 */
const REMOVE_WITHDRAWN = defineScript(`${LUA_TIMESTAMP}
local until_ts, created_by, after, offline = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local by_high, by_low = struct.unpack('>I4I4', created_by)

local function is_later(created, ts)
  if not created or string.sub(created, ${TIMESTAMP_AT + 1}) ~= ts then return false end
  local high, low = struct.unpack('>I4I4', created, ${CREATED_AT + 1})
  if high ~= by_high then return high > by_high end
  return low > by_low
end

local removed, counted, at = 0, 0, 1
for i = 1, #KEYS do
  local length = string.byte(offline, at)
  local event
  if length < 255 then
    event = string.sub(offline, at + 1, at + length)
    at = at + length
  end
  at = at + 1
  local ts = redis.call('HGET', KEYS[i], ARGV[5])
  if ts and ts ~= event and (not event or compare_times(ts, event) > 0) and compare_times(ts, until_ts) <= 0
    and not is_later(redis.call('HGET', KEYS[i], ARGV[6]), ts) then
    if event or after == '' then
      redis.call('HDEL', KEYS[i], unpack(ARGV, 5))
      removed = removed + 1
    elseif compare_times(ts, string.sub(after, 2)) > 0 then
      counted = counted + 1
    end
  end
end
return {removed, counted}
`);

const NO_ROW = 255;
const ENTITIES_PER_CALL = 500;
const CALLS_IN_FLIGHT = 4;

/**
 * Takes a view's row out of each entity where the offline store has withdrawn it: it is of a later event than the newest
 * row offline, or there is none. One atomic step an entity: rows written meanwhile are judged like those before.
 */
export async function removeWithdrawnRows(
  redis: Redis,
  project: string,
  view: FeatureView,
  states: readonly OfflineState[],
  { until, createdBy, after }: WithdrawalBounds,
): Promise<Withdrawal> {
  const encodeKey = entityKeyEncoder(project, view.entity.joinKeys);
  const order = new ByteWriter(8);
  order.order(createdBy);
  // A timestamp may be no bytes at all (1970), which is not the same as none.
  const bound = after === undefined ? '' : Buffer.concat([Buffer.from('>'), encodeTimestamp(after)]);
  const leading = [encodeTimestamp(until), order.finish(), bound];
  const fields = fieldsOf(view);
  const limited = limit(CALLS_IN_FLIGHT);
  const slices = Array.from({ length: Math.ceil(states.length / ENTITIES_PER_CALL) }, (_, n) =>
    states.slice(n * ENTITIES_PER_CALL, (n + 1) * ENTITIES_PER_CALL),
  );
  const answers = await Promise.all(
    slices.map((slice) =>
      limited(() => {
        const keys = slice.map(({ entity }) => encodeKey(entity));
        return callScript(redis, REMOVE_WITHDRAWN, keys, [...leading, packEvents(slice), ...fields]);
      }),
    ),
  );
  const total: Withdrawal = { removed: 0, counted: 0 };
  for (const [removed, counted] of answers as [number, number][]) {
    total.removed += removed;
    total.counted += counted;
  }
  return total;
}

function packEvents(states: readonly OfflineState[]): Buffer {
  const parts: Buffer[] = [];
  for (const { event } of states) {
    if (event === null) {
      parts.push(Buffer.from([NO_ROW]));
      continue;
    }
    const timestamp = encodeTimestamp(event);
    parts.push(Buffer.from([timestamp.length]), timestamp);
  }
  return Buffer.concat(parts);
}
