import type { FeatureView } from '../../contracts/model';
import type { Database } from '../../platform/duckdb';
import type { OnlineRow, OnlineStore, OnlineWriter, WriteResult } from '../../platform/online-store';
import { columnRows, type ColumnRows } from './load-rows';
import type { Newest } from './newest';
import { groupRows } from './newest-groups';

/** How far a load has come; a later attempt at the same load goes on from there. */
export interface LoadPosition extends WriteResult {
  /** Chunks that are loaded. */
  chunk: number;
  of: number;
  /** Hash of all that the chunks depend on: a position in another load means nothing. */
  plan: string;
}

export interface ChunkTarget {
  view: FeatureView;
  online: OnlineStore;
  /** Called after each chunk, once all of it is written. */
  onChunk?: (position: LoadPosition) => void;
}

/**
 * Writes the chunks from the position on, and moves the position. One chunk is read while the one before it is written.
 * @returns The sampled rows of all chunks, also of those that an earlier attempt has written.
 */
export async function writeChunks(
  database: Database,
  { view, online, onChunk }: ChunkTarget,
  { groups, sample: { condition } }: Pick<Newest, 'groups' | 'sample'>,
  position: LoadPosition,
): Promise<OnlineRow[]> {
  const start = position.chunk;
  const chunks = new ChunkWriter(online.openWriter(view), position, onChunk);
  const sample: OnlineRow[] = [];
  let firstOfGroup = 0;
  for (const group of groups) {
    const from = Math.min(Math.max(start - firstOfGroup, 0), group.chunks);
    for await (const rows of columnRows(database, view, groupRows(view, group, condition, from))) {
      for (const { chunk, first, end } of runsOfOneChunk(rows)) {
        for (let row = first; row < end; row++) if (rows.isSampled(row)) sample.push(rows.copy(row));
        if (chunk < from) continue;
        await chunks.goTo(firstOfGroup + chunk);
        await chunks.writer.add(rows.slice(first, end));
      }
    }
    firstOfGroup += group.chunks;
  }
  await chunks.goTo(position.of);
  await chunks.settled();
  return sample;
}

/** Rows come in the order of their chunks. */
function* runsOfOneChunk(rows: ColumnRows): Generator<{ chunk: number; first: number; end: number }> {
  for (let first = 0, end = 0; first < rows.count; first = end) {
    const chunk = rows.chunkOf(first);
    while (end < rows.count && rows.chunkOf(end) === chunk) end += 1;
    yield { chunk, first, end };
  }
}

/** Cuts the stream of rows into chunks, and counts a chunk once Redis has taken all of it and of those before it. */
class ChunkWriter {
  private reading: number;
  private written: Promise<void> = Promise.resolve();

  constructor(
    readonly writer: OnlineWriter,
    private readonly position: LoadPosition,
    private readonly onChunk: ChunkTarget['onChunk'],
  ) {
    this.reading = position.chunk;
  }

  /** Rows of this chunk follow: those before it are complete. */
  async goTo(chunk: number): Promise<void> {
    for (; this.reading < chunk; this.reading++) {
      const flushed = this.writer.flush();
      const before = this.written;
      this.written = before.then(async () => this.count(await flushed));
      // Whoever waits for it is told; until then nobody may.
      this.written.catch(() => undefined);
      flushed.catch(() => undefined);
      await before;
    }
  }

  settled(): Promise<void> {
    return this.written;
  }

  private count(result: WriteResult): void {
    this.position.chunk += 1;
    this.position.written += result.written;
    this.position.skipped += result.skipped;
    this.position.refused += result.refused;
    this.onChunk?.({ ...this.position });
  }
}
