import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** How much of a log's end is read for its last lines. */
const WINDOW = 64 * 1024;

/** What one container said from one start to its end, as CloudWatch keeps it: stream `<job>/<host>-<epoch seconds>`. */
export interface LogStream {
  /** `<host>-<epoch seconds>` */
  name: string;
  path: string;
  /** Epoch milliseconds of the last line. */
  lastWritten: number;
}

export const streamFile = (logs: string, host: string, launched: number): string =>
  join(logs, `${host}-${Math.floor(launched / 1000)}.log`);

/** The streams of a job, in the order of their starts; of one start, the last to have spoken is last. */
export async function logStreams(logs: string): Promise<LogStream[]> {
  const names = await readdir(logs).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const streams = names.map(async (file) => {
    const path = join(logs, file);
    return { name: file.replace(/\.log$/, ''), path, lastWritten: (await stat(path)).mtimeMs };
  });
  return (await Promise.all(streams)).sort(
    (a, b) => launchOf(a) - launchOf(b) || a.lastWritten - b.lastWritten || (a.name < b.name ? -1 : 1),
  );
}

const launchOf = ({ name }: LogStream): number => Number(name.slice(name.lastIndexOf('-') + 1));

/** The last lines of a job's streams, oldest first. */
export async function readJobTail(logs: string, lines: number): Promise<string[]> {
  let tail: string[] = [];
  for (const { path } of (await logStreams(logs)).toReversed()) {
    if (tail.length >= lines) break;
    tail = [...(await readLogTail(path, lines - tail.length)), ...tail];
  }
  return tail;
}

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
