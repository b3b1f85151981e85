import { open } from 'node:fs/promises';
import { logStreams } from '../container/log';
import { valuesIn } from '../container/metrics';

/** Reads the values of one metric out of a job's logs as they grow. */
export class ObjectiveReader {
  private readonly read = new Map<string, { offset: number; rest: string }>();

  constructor(
    private readonly logs: string,
    private readonly regex: string,
    /** How many of the first values are known already. */
    private skip = 0,
  ) {}

  /** What was written since the last call, in its order; a line counts once it is whole. */
  async next(): Promise<number[]> {
    const values: number[] = [];
    for (const { path } of await logStreams(this.logs)) {
      const { offset, rest } = this.read.get(path) ?? { offset: 0, rest: '' };
      const { text, end } = await readFrom(path, offset);
      const lines = (rest + text).split('\n');
      this.read.set(path, { offset: end, rest: lines.pop()! });
      values.push(...lines.flatMap((line) => valuesIn(line, this.regex)));
    }
    const known = Math.min(this.skip, values.length);
    this.skip -= known;
    return values.slice(known);
  }
}

async function readFrom(path: string, offset: number): Promise<{ text: string; end: number }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size <= offset) return { text: '', end: offset };
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - offset), 0, size - offset, offset);
    return { text: buffer.subarray(0, bytesRead).toString('latin1'), end: offset + bytesRead };
  } finally {
    await file.close();
  }
}
