import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/**
 * When the process began, in the operating system's words; null where there is no such process (one that has ended
 * and waits to be reaped is none). A recycled number has another begin.
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
