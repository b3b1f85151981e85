import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Boot and start time, as the system tells them. */
  started: string;
}

export const identify = (pid: number): ProcessIdentity => ({ pid, started: startOf(pid) ?? '' });

export const isAlive = (process: ProcessIdentity): boolean => startOf(process.pid) === process.started;

/** Sends a signal to a process group; one that is gone already is no error. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Kills every process whose environment holds the given variable, whichever group it has moved to (Linux only). */
export function killByEnvironment(name: string, value: string): void {
  for (const pid of readdirOrNone('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const environment = readOrNull(`/proc/${pid}/environ`)?.split('\0') ?? [];
    if (!environment.includes(`${name}=${value}`)) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Null where there is no such process, or only its unreaped rest. */
function startOf(pid: number): string | null {
  const boot = readOrNull('/proc/sys/kernel/random/boot_id');
  if (boot === null) return startByPs(pid);
  const stat = readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The second field, the command, may hold blanks and parentheses; fields 3 (state) and 22 (start) follow it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : `${boot.trim()}/${fields[19]}`;
}

function startByPs(pid: number): string | null {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? null : line.replace(/^\S+\s+/, '');
  } catch {
    return null;
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function readdirOrNone(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
