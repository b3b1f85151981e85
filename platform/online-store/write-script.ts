import { TIMESTAMP_AT } from './fields';
import { LUA_TIMESTAMP } from './lua';
import { defineScript, type Script } from './script';

/** How the length before each packed value is written, in the words of Lua's struct library: one byte or four. */
export type LengthFormat = 'B' | 'I4';

/** Values that one HSET takes: Lua knows 250 registers a function, and each value needs three of them. */
const VALUES_PER_CALL = 60;

/** The first fields of a view; see `fieldsOf`. */
const LEADING_FIELDS = 2;

const scripts = new Map<string, Script>();

/**
 * Compares and writes many rows of one view in one atomic step on the server: a row is written where none stands, where
 * its event time is newer, or where the event time is equal and its created time is newer (or the stored one unknown,
 * because Feast wrote the row), or equal as well and its content another: a correction whose times nobody raised, or a
 * feature more. Never where the entity has opted out, nor over a row of more features: their values would stay behind
 * under the new row's time. Returns how many rows were written, how many were refused because of an opt-out, and how many
 * because they have too few features.
 *
 * KEYS: the hash of each row's entity. ARGV: `_opted_out`, the packed rows, then the view's fields (`fieldsOf`).
 * A packed row: u32 (little-endian) length of what follows, then a length-prefixed value a field. The value of
 * `_created` begins with event and created time as four big-endian words, then the number and the hash of the values; see
 * `createdField`.
 *
 * The text is made for each number of features, so that one `struct.unpack` cuts up a row and one HSET takes it, with no
 * loop and no table in between: half of the script's time otherwise.
 */
export function writeScript(features: number, length: LengthFormat): Script {
  const name = `${features} ${length}`;
  let script = scripts.get(name);
  if (!script) scripts.set(name, (script = defineScript(scriptText(features, length))));
  return script;
}

function scriptText(features: number, length: LengthFormat): string {
  const values = (count: number): string => `${length}c0`.repeat(count);
  return `${LUA_TIMESTAMP}
local call, unpack, sub = redis.call, struct.unpack, string.sub
local opted_out, packed, ts_field, created_field = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- Whether a row replaces the one that stands, and whether that one has more features.
local function wins(ts, created, stored_ts, stored_created)
  if not stored_created or sub(stored_created, ${TIMESTAMP_AT + 1}) ~= stored_ts then
    return compare_times(ts, stored_ts) >= 0, false
  end
  if created == stored_created then return false, false end
  local event_high, event_low, created_high, created_low = unpack('>I4I4I4I4', created)
  local other_event_high, other_event_low, other_created_high, other_created_low, other_features =
    unpack('>I4I4I4I4I2', stored_created)
  local wider = other_features > ${features}
  if event_high ~= other_event_high then return event_high > other_event_high, wider end
  if event_low ~= other_event_low then return event_low > other_event_low, wider end
  if created_high ~= other_created_high then return created_high > other_created_high, wider end
  return created_low >= other_created_low, wider
end

local written, refused, outdated, at = 0, 0, 0, 1
for i = 1, #KEYS do
  local key = KEYS[i]
  local stored = call('HMGET', key, ts_field, created_field, opted_out)
  local length, ts, created, from = unpack('<I4${values(LEADING_FIELDS)}', packed, at)
  local newer, wider = true, false
  if stored[1] then newer, wider = wins(ts, created, stored[1], stored[2]) end
  if stored[3] then
    refused = refused + 1
  elseif newer and wider then
    outdated = outdated + 1
  elseif newer then
${hashSets(features, values)}
      written = written + 1
  end
  at = at + 4 + length
end
return {written, refused, outdated}
`;
}

function hashSets(features: number, values: (count: number) => string): string {
  const calls: string[] = [];
  for (let first = 1; first <= features; first += VALUES_PER_CALL) {
    const group = Array.from(
      { length: Math.min(VALUES_PER_CALL, features - first + 1) },
      (_, n) => first + n,
    );
    const locals = group.map((n) => `v${n}`).join(', ');
    const pairs = group.map((n) => `ARGV[${n + 2 + LEADING_FIELDS}], v${n}`).join(', ');
    const leading = first === 1 ? 'ts_field, ts, created_field, created, ' : '';
    calls.push(
      `    do
      local ${locals}, after = unpack('<${values(group.length)}', packed, from)
      call('HSET', key, ${leading}${pairs})
      from = after
    end`,
    );
  }
  return calls.join('\n');
}
