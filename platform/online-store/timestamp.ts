import { ByteWriter } from './bytes';

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
