import { randomUUID } from 'node:crypto';
import { mkdir, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createJson, readJson } from '../files';

/** A fault that strikes once: the first that it fits. What it does not name it does not ask for. */
export interface Ticket {
  fault: 'capacity' | 'internal-error' | 'throttling';
  instanceType?: string;
  spot?: boolean;
  jobName?: string;
  operation?: string;
}

const folderOf = (home: string): string => join(home, 'faults');

/** Lays down so many faults; they outlive the service, and any process may take one. */
export async function addTickets(home: string, ticket: Ticket, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const name = `${String(Date.now()).padStart(15, '0')}-${String(i).padStart(6, '0')}-${randomUUID()}.json`;
    await createJson(join(folderOf(home), name), ticket);
  }
}

/** Takes the oldest fault that fits; false where there is none. Each is taken by one process alone. */
export async function takeTicket(home: string, wanted: Ticket): Promise<boolean> {
  await mkdir(folderOf(home), { recursive: true });
  const names = (await readdir(folderOf(home))).filter((name) => name.endsWith('.json')).sort();
  for (const name of names) {
    const path = join(folderOf(home), name);
    const ticket = await readJson<Ticket>(path);
    if (ticket && fits(ticket, wanted) && (await remove(path))) return true;
  }
  return false;
}

/** Takes back every fault of a kind that has not struck yet. */
export async function dropTickets(home: string, fault: Ticket['fault']): Promise<void> {
  while (await takeTicket(home, { fault })) continue;
}

const fits = (ticket: Ticket, wanted: Ticket): boolean =>
  Object.entries(ticket).every(
    ([member, value]) =>
      wanted[member as keyof Ticket] === undefined || wanted[member as keyof Ticket] === value,
  );

async function remove(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
