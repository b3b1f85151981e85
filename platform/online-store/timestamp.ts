import { ByteWriter, readVarint } from './bytes';

/** Microseconds since 1970, UTC: Feast's resolution, exact where a double of seconds is not. */
export type Micros = bigint;

const MILLION = 1_000_000n;

/** Writes a serialized `google.protobuf.Timestamp`: seconds (negative before 1970), then nanos (0 … 999,999,999). */
export function writeTimestamp(writer: ByteWriter, time: Micros): void {
  const micros = ((time % MILLION) + MILLION) % MILLION;
  const seconds = (time - micros) / MILLION;
  if (seconds !== 0n) {
    writer.byte(0x08);
    writer.varint(seconds);
  }
  if (micros !== 0n) {
    writer.byte(0x10);
    writer.varint(Number(micros) * 1000);
  }
}

export function encodeTimestamp(time: Micros): Buffer {
  const writer = new ByteWriter(16);
  writeTimestamp(writer, time);
  return writer.finish();
}

/** @throws RangeError where the bytes are no Timestamp. */
export function decodeTimestamp(bytes: Buffer): Micros {
  let seconds = 0n;
  let nanos = 0n;
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at];
    const { value, next } = readVarint(bytes, at + 1);
    if (tag === 0x08) seconds = BigInt.asIntN(64, value);
    else if (tag === 0x10) nanos = value;
    else throw new RangeError(`Field tag ${tag} is none of a Timestamp's.`);
    at = next;
  }
  return seconds * MILLION + nanos / 1000n;
}
