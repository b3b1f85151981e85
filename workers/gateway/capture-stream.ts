import { CAPTURE_FIELD, CAPTURE_STREAM } from '../../contracts/capture';
import type { Redis } from '../../platform/redis';

/** A closed piece of the stream, by the IDs of its first and last entry. */
export interface StreamRange {
  first: string;
  last: string;
}

/** The stream of captured predictions, read in ranges that are settled once and taken away whole. */
export interface CaptureStream {
  /** The range somebody settled on and has not finished, if any. */
  pending(): Promise<StreamRange | null>;
  /** What is in the stream; null where nothing is. */
  waiting(): Promise<{ entries: number; ageMs: number } | null>;
  /** Settles on the oldest entries, unless a range is pending; the range that stands, for every process alike. */
  settle(maxEntries: number): Promise<StreamRange | null>;
  /** What each entry holds: a batch of captured predictions, unless something else was put there. */
  read(range: StreamRange): Promise<unknown[]>;
  /** Takes the range's entries away, once all of them are stored. */
  finish(range: StreamRange): Promise<void>;
}

const RANGE_KEY = `${CAPTURE_STREAM}:range`;
const PAGE = 200;

/** In one step, and only for the range that stands: a process that was slow must not take away what it never stored. */
const FINISH = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[2])
return redis.call('DEL', KEYS[2])`;

export function createCaptureStream(redis: Redis): CaptureStream {
  async function* entries(from: string, to: string): AsyncGenerator<[id: string, fields: string[]]> {
    for (let start = from; ;) {
      const page = await redis.xrange(CAPTURE_STREAM, start, to, 'COUNT', PAGE);
      yield* page;
      if (page.length < PAGE) return;
      start = `(${page.at(-1)![0]}`;
    }
  }

  async function idsOfOldest(count: number): Promise<string[]> {
    const ids: string[] = [];
    for await (const [id] of entries('-', '+')) if (ids.push(id) >= count) break;
    return ids;
  }

  const stream: CaptureStream = {
    async pending() {
      const value = await redis.get(RANGE_KEY);
      return value === null ? null : (JSON.parse(value) as StreamRange);
    },

    async waiting() {
      const [oldest] = await redis.xrange(CAPTURE_STREAM, '-', '+', 'COUNT', 1);
      if (!oldest) return null;
      return { entries: await redis.xlen(CAPTURE_STREAM), ageMs: Date.now() - millisOf(oldest[0]) };
    },

    async settle(maxEntries) {
      let range: StreamRange | null = null;
      const ids = await idsOfOldest(maxEntries);
      if (ids.length > 0) {
        range = { first: ids[0]!, last: ids.at(-1)! };
        await redis.set(RANGE_KEY, JSON.stringify(range), 'NX');
      }
      return (await stream.pending()) ?? range;
    },

    async read({ first, last }) {
      const contents: unknown[] = [];
      for await (const [, fields] of entries(first, last)) contents.push(contentOf(fields));
      return contents;
    },

    async finish(range) {
      await redis.eval(FINISH, 2, CAPTURE_STREAM, RANGE_KEY, JSON.stringify(range), after(range.last));
    },
  };
  return stream;
}

const millisOf = (id: string): number => Number(id.split('-')[0]);

function after(id: string): string {
  const [millis, sequence] = id.split('-');
  return `${millis}-${BigInt(sequence!) + 1n}`;
}

function contentOf(fields: string[]): unknown {
  const at = fields.indexOf(CAPTURE_FIELD);
  const text = at < 0 ? undefined : fields[at + 1];
  try {
    return text === undefined ? fields : (JSON.parse(text) as unknown);
  } catch {
    return text;
  }
}
