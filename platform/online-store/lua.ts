/**
 * Lua: `seconds_and_nanos(bytes)` of a serialized `google.protobuf.Timestamp`. Both are exact in Lua's doubles; Feast
 * writes some of the timestamps that the scripts meet, so that no other form of a time can be relied upon.
 */
export const LUA_TIMESTAMP = `
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

-- Whether the first timestamp is later (1), earlier (-1) or the same time as the second (0).
local function compare_times(a, b)
  if a == b then return 0 end
  local seconds, nanos = seconds_and_nanos(a)
  local other_seconds, other_nanos = seconds_and_nanos(b)
  if seconds ~= other_seconds then return seconds > other_seconds and 1 or -1 end
  if nanos ~= other_nanos then return nanos > other_nanos and 1 or -1 end
  return 0
end
`;
