const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const ZERO = 0x30;
const MINUS = 0x2d;
/** The first byte of a reply says what it is. */
const TYPE = { array: 0x2a, string: 0x24, line: 0x2b, error: 0x2d } as const;

/**
 * One reply of Redis (RESP 2), as places in the bytes received: nothing is copied, so that a value costs a look at its
 * bytes and not an object. It holds until the next reply is read.
 */
export class Reply {
  bytes: Buffer = Buffer.alloc(0);
  /** Strings in the reply. */
  count = 0;
  /** Redis's own words where it refused the command. */
  error: string | null = null;
  private places = new Int32Array(128);

  /** Where the string at `index` begins; -1 where Redis has none. */
  start(index: number): number {
    return this.places[2 * index]!;
  }

  end(index: number): number {
    return this.places[2 * index + 1]!;
  }

  /**
   * Reads the reply that begins at `from`: an array of strings, one line, or an error.
   * @returns Where the next one begins; the negative number of bytes it takes to read on where they are not here yet.
   * @throws RangeError where these are no such bytes.
   */
  read(bytes: Buffer, from: number): number {
    this.bytes = bytes;
    this.count = 0;
    this.error = null;
    const line = bytes.indexOf(LINE_FEED, from);
    if (line < 0) return -(bytes.length + 1);
    const type = bytes[from];
    if (type === TYPE.array) return this.readStrings(line + 1, readCount(bytes, from + 1));
    if (type === TYPE.error) this.error = bytes.toString('utf8', from + 1, line - 1);
    else if (type !== TYPE.line) throw new RangeError(`A reply of type ${String(type)} was not asked for.`);
    return line + 1;
  }

  private readStrings(from: number, count: number): number {
    if (2 * count > this.places.length) this.places = new Int32Array(2 * count);
    const { bytes, places } = this;
    let at = from;
    for (let index = 0; index < count; index++) {
      const line = endOfLine(bytes, at);
      if (line < 0) return -(bytes.length + 1);
      if (bytes[at] !== TYPE.string)
        throw new RangeError(`A string was expected, not type ${String(bytes[at])}.`);
      const length = readCount(bytes, at + 1);
      const start = line + 1;
      const end = start + length;
      if (length >= 0 && end + 2 > bytes.length) return -(end + 2);
      places[2 * index] = length < 0 ? -1 : start;
      places[2 * index + 1] = length < 0 ? -1 : end;
      at = length < 0 ? start : end + 2;
    }
    this.count = count;
    return at;
  }
}

/** Where a line of a few bytes ends; faster than `indexOf` there. */
function endOfLine(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at++) if (bytes[at] === LINE_FEED) return at;
  return -1;
}

function readCount(bytes: Buffer, from: number): number {
  const negative = bytes[from] === MINUS;
  let count = 0;
  for (let at = negative ? from + 1 : from; bytes[at] !== CARRIAGE_RETURN; at++) {
    const digit = bytes[at]! - ZERO;
    if (!(digit >= 0 && digit <= 9)) throw new RangeError('A length was expected.');
    count = count * 10 + digit;
  }
  return negative ? -count : count;
}
