import { createHash } from 'node:crypto';

/**
 * Compares and writes many rows of one view in one atomic step on the server: a row is written where none stands, where
 * its event time is newer, or where the event time is equal and its created time is newer (or the stored one unknown,
 * because Feast wrote the row). Returns how many rows were written.
 *
 * KEYS: the hash of each row's entity. ARGV: the `_ts` field, the `_created` field, the feature fields, and last one
 * packed buffer: per row u32 length of what follows, then u32-prefixed: timestamp, created time, each feature's value.
 * Strings are compared byte by byte (Lua's `<` depends on the locale). Seconds and nanos are exact in Lua's doubles.
 */
export const WRITE_SCRIPT = `
local ts_field, created_field, packed = ARGV[1], ARGV[2], ARGV[#ARGV]
local features = #ARGV - 3
local at = 1

local function take()
  local length = struct.unpack('<I4', packed, at)
  local text = string.sub(packed, at + 4, at + 3 + length)
  at = at + 4 + length
  return text
end

local function varint(bytes, from)
  local last = from
  while string.byte(bytes, last) > 127 do last = last + 1 end
  local value, scale = 0, 1
  local negative = last - from == 9
  for i = from, negative and last - 1 or last do
    local digit = string.byte(bytes, i) % 128
    value = value + (negative and 127 - digit or digit) * scale
    scale = scale * 128
  end
  return negative and -value - 1 or value, last + 1
end

local function seconds_and_nanos(bytes)
  local seconds, nanos, from = 0, 0, 1
  while from <= #bytes do
    local tag = string.byte(bytes, from)
    local value, after = varint(bytes, from + 1)
    if tag == 8 then seconds = value else nanos = value end
    from = after
  end
  return seconds, nanos
end

local function greater(a, b)
  for i = 1, #a do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return false
end

local function wins(key, ts, created)
  local stored = redis.call('HMGET', key, ts_field, created_field)
  local stored_ts, stored_created = stored[1], stored[2]
  if not stored_ts then return true end
  if stored_ts ~= ts then
    local seconds, nanos = seconds_and_nanos(ts)
    local stored_seconds, stored_nanos = seconds_and_nanos(stored_ts)
    if seconds ~= stored_seconds then return seconds > stored_seconds end
    if nanos ~= stored_nanos then return nanos > stored_nanos end
  end
  local known = stored_created and #stored_created == #stored_ts + 8
    and string.sub(stored_created, 1, #stored_ts) == stored_ts
  return not known or greater(created, string.sub(stored_created, -8))
end

local written = 0
for _, key in ipairs(KEYS) do
  local row_end = at + 4 + struct.unpack('<I4', packed, at)
  at = at + 4
  local ts, created = take(), take()
  if wins(key, ts, created) then
    local cells = {ts_field, ts, created_field, ts .. created}
    for i = 1, features do
      cells[3 + 2 * i] = ARGV[2 + i]
      cells[4 + 2 * i] = take()
    end
    redis.call('HSET', key, unpack(cells))
    written = written + 1
  end
  at = row_end
end
return written
`;

export const WRITE_SCRIPT_SHA = createHash('sha1').update(WRITE_SCRIPT).digest('hex');
