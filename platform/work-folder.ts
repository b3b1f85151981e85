import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { beginOf } from './process-begin';

const PREFIX = 'meridian-work';

/**
 * A new folder for what one step needs on this machine. Whoever asks for it removes it. Those of processes that were
 * killed before they could are removed here.
 * @param parent Where the folders lie.
 */
export async function createWorkFolder(parent = tmpdir()): Promise<string> {
  await removeOrphans(parent);
  return mkdtemp(join(parent, folderPrefix(process.pid)));
}

/** How the names of a process's folders begin. */
export const folderPrefix = (pid: number): string =>
  `${PREFIX}-${machine()}-${pid}-${markOf(pid) ?? 'unknown'}-`;

/** Numbers of processes mean something on one machine only; a folder may be shared by several. */
const machine = (): string => digest(hostname());

/** Tells a process from a later one of the same number; null where there is none. */
function markOf(pid: number): string | null {
  const begin = beginOf(pid);
  return begin === null ? null : digest(begin);
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

async function removeOrphans(parent: string): Promise<void> {
  const ours = new RegExp(`^${PREFIX}-${machine()}-(?<pid>\\d+)-(?<mark>[0-9a-f]{12})-`);
  for (const name of await readdir(parent)) {
    const { pid, mark } = ours.exec(name)?.groups ?? {};
    if (pid === undefined || markOf(Number(pid)) === mark) continue;
    // Another process may be removing it as well; what cannot be removed now is tried again by the next step.
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
}
