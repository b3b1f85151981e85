import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A process that a stack started: its number, and when it began, so that a recycled number is not taken for it. */
export interface ProcessRecord {
  pid: number;
  /** The operating system's word for when the process began; null where it had ended before one could look. */
  began: string | null;
  startedAt: string;
}

/**
 * When the process began, in the operating system's words; null where there is no such process (one that has ended
 * and waits to be reaped is none).
 */
export function beginOf(pid: number): string | null {
  return existsSync('/proc/self/stat') ? beginFromProc(pid) : beginFromPs(pid);
}

function beginFromProc(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold spaces: the fields are counted from behind it (proc(5): state, …, starttime).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, ticks] = [fields[0], fields[19]];
    if (state === 'Z' || state === 'X' || ticks === undefined) return null;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}+${ticks}`;
  } catch {
    return null;
  }
}

function beginFromPs(pid: number): string | null {
  try {
    const output = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
    }).trim();
    return output === '' || output.startsWith('Z') ? null : output.slice(output.indexOf(' ')).trim();
  } catch {
    return null;
  }
}

export function readRecord(path: string): ProcessRecord | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessRecord;
  } catch {
    return null;
  }
}

export function writeRecord(path: string, pid: number): ProcessRecord {
  const record: ProcessRecord = { pid, began: beginOf(pid), startedAt: new Date().toISOString() };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.partial`, `${JSON.stringify(record)}\n`);
  renameSync(`${path}.partial`, path);
  return record;
}

export const removeRecord = (path: string): void => rmSync(path, { force: true });

/** Whether the very process that was recorded still runs. */
export const isAlive = (record: ProcessRecord | null): record is ProcessRecord =>
  record !== null && record.began !== null && beginOf(record.pid) === record.began;
