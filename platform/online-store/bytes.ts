/** A buffer that grows; all integers little-endian, as in Feast's keys and in Protocol Buffers. */
export class ByteWriter {
  private buffer: Buffer;
  private length = 0;

  constructor(capacity = 256) {
    this.buffer = Buffer.allocUnsafe(capacity);
  }

  /** Bytes written so far. */
  get position(): number {
    return this.length;
  }

  byte(value: number): void {
    const at = this.room(1);
    this.buffer[at] = value;
  }

  uint32(value: number): void {
    const at = this.room(4);
    this.buffer.writeUInt32LE(value, at);
  }

  int32(value: number): void {
    const at = this.room(4);
    this.buffer.writeInt32LE(value, at);
  }

  int64(value: bigint): void {
    const at = this.room(8);
    this.buffer.writeBigInt64LE(value, at);
  }

  /** A signed integer whose bytes sort as the numbers do: value + 2^63, eight bytes, big-endian. */
  order(value: bigint): void {
    const at = this.room(8);
    this.buffer.writeBigInt64BE(value, at);
    this.buffer[at]! ^= 0x80;
  }

  float(value: number): void {
    const at = this.room(4);
    this.buffer.writeFloatLE(value, at);
  }

  double(value: number): void {
    const at = this.room(8);
    this.buffer.writeDoubleLE(value, at);
  }

  /** Base-128 varint; negative numbers take ten bytes (two's complement in 64 bits), as in Protocol Buffers. */
  varint(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && value < 2 ** 31) {
      let rest = value;
      while (rest > 127) {
        this.byte((rest & 127) | 128);
        rest >>>= 7;
      }
      this.byte(rest);
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      this.byte(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    this.byte(Number(rest));
  }

  utf8(text: string): void {
    const length = Buffer.byteLength(text);
    const at = this.room(length);
    this.buffer.write(text, at, length, 'utf8');
  }

  bytes(bytes: Uint8Array): void {
    const at = this.room(bytes.length);
    this.buffer.set(bytes, at);
  }

  /** Writes what `write` writes, preceded by its length as u32. */
  lengthPrefixed(write: () => void): void {
    const start = this.begin(4);
    write();
    this.end(start, 4);
  }

  /** Leaves room for a length of `width` bytes (1 or 4). @returns Where what it measures begins; see `end`. */
  begin(width: 1 | 4): number {
    return this.room(width) + width;
  }

  /** Writes the length of what was written since `begin`. @throws RangeError where one byte does not hold it. */
  end(start: number, width: 1 | 4): void {
    const length = this.length - start;
    if (width === 4) this.buffer.writeUInt32LE(length, start - 4);
    else if (length < 256) this.buffer[start - 1] = length;
    else throw new RangeError(`${length} bytes are more than one byte tells.`);
  }

  /** Leaves room for `bytes` bytes. @returns Where it begins; see `uint32At`. */
  reserve(bytes: number): number {
    return this.room(bytes);
  }

  /** Fills what `reserve` left; big-endian. */
  uint32At(at: number, value: number): void {
    this.buffer.writeUInt32BE(value, at);
  }

  /** MurmurHash3 (x86, 32 bits) of what was written from `from` on. @returns 32 bits, unsigned. */
  hash(from: number, seed: number): number {
    const { buffer, length } = this;
    let hash = seed;
    let at = from;
    for (; at + 4 <= length; at += 4) {
      const word = buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24);
      hash ^= scramble(word);
      hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
    }
    let rest = 0;
    for (let last = length - 1; last >= at; last--) rest = (rest << 8) | buffer[last]!;
    hash ^= scramble(rest) ^ (length - from);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  }

  /** Forgets what was written, and keeps the room for it. */
  reset(): void {
    this.length = 0;
  }

  /** A copy of what was written. */
  finish(): Buffer {
    return Buffer.from(this.buffer.subarray(0, this.length));
  }

  /** Makes room and says where it begins. It may replace the buffer: call it before naming the buffer. */
  private room(bytes: number): number {
    const at = this.length;
    if (at + bytes > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, at + bytes));
      this.buffer.copy(grown, 0, 0, at);
      this.buffer = grown;
    }
    this.length = at + bytes;
    return at;
  }
}

function scramble(word: number): number {
  const product = Math.imul(word, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

/** Reads a varint at `offset`; the value as an unsigned 64-bit integer. @throws RangeError where the bytes end. */
export function readVarint(buffer: Buffer, offset: number): { value: bigint; next: number } {
  let value = 0n;
  for (let at = offset, shift = 0n; shift < 70n; at++, shift += 7n) {
    const byte = buffer[at];
    if (byte === undefined) throw new RangeError('The bytes end within a varint.');
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return { value: BigInt.asUintN(64, value), next: at + 1 };
  }
  throw new RangeError('A varint of more than ten bytes.');
}
