import { open } from 'node:fs/promises';

/** How much of the log's end is read for its last lines. */
const WINDOW = 64 * 1024;

/** The last lines of a log, oldest first; none where there is no log yet. */
export async function readLogTail(path: string, lines: number): Promise<string[]> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!file) return [];
  try {
    const { size } = await file.stat();
    const length = Math.min(size, WINDOW);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const all = buffer.toString('utf8').split('\n');
    return all.filter((line) => line.trim() !== '').slice(-lines);
  } finally {
    await file.close();
  }
}
