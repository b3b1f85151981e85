import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { median } from '../statistics';

/** Memory that a process holds, in MiB. @throws Error where it is gone */
export async function residentMiB(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) / 1024;
}

/** What the memory of a process was over a while. */
export interface Course {
  /** Medians of the second fifth, when it is warm, and of the last. */
  early: number;
  late: number;
  peak: number;
}

/** @param samples taken at even intervals, in the order in which they were taken */
export function courseOf(samples: readonly number[]): Course {
  const fifth = (index: number): number => {
    const bound = (end: number): number => Math.floor((samples.length * end) / 5);
    return median(samples.slice(bound(index - 1), bound(index)));
  };
  return { early: fifth(2), late: fifth(5), peak: Math.max(...samples) };
}
