import { ByteWriter } from './bytes';

/** Microseconds since 1970, UTC: Feast's resolution, exact where a double of seconds is not. */
export type Micros = bigint;

const MILLION = 1_000_000n;

/** Writes a serialized `google.protobuf.Timestamp`: seconds (negative before 1970), then nanos (0 … 999,999,999). */
export function writeTimestamp(writer: ByteWriter, time: Micros): void {
  const micros = Number(time);
  // Exact until the year 2255; arithmetic on numbers is several times as fast.
  if (Number.isSafeInteger(micros)) {
    const seconds = Math.floor(micros / 1e6);
    return writeParts(writer, seconds, micros - seconds * 1e6);
  }
  const rest = ((time % MILLION) + MILLION) % MILLION;
  writeParts(writer, (time - rest) / MILLION, Number(rest));
}

function writeParts(writer: ByteWriter, seconds: number | bigint, micros: number): void {
  if (Number(seconds) !== 0) {
    writer.byte(0x08);
    writer.varint(seconds);
  }
  if (micros !== 0) {
    writer.byte(0x10);
    writer.varint(micros * 1000);
  }
}

export function encodeTimestamp(time: Micros): Buffer {
  const writer = new ByteWriter(16);
  writeTimestamp(writer, time);
  return writer.finish();
}
