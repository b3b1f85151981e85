import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { beginOf } from '../../platform/process-begin';

/** A process that a stack started: its number, and when it began, so that a recycled number is not taken for it. */
export interface ProcessRecord {
  pid: number;
  /** The operating system's word for when the process began; null where it had ended before one could look. */
  began: string | null;
  startedAt: string;
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
