import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { DEFAULT_PORTS, type PortName, type Ports } from './part';

const HOST = '127.0.0.1';
const TRIED = 200;
const LARGEST = 65_535;

export type IsFree = (port: number) => Promise<boolean>;

/** Whether nothing on this machine listens on the port. */
const isFree: IsFree = (port) =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: HOST }, () => server.close(() => resolve(true)));
  });

/** `MERIDIAN_PORT_TEMPORAL_UI` forces the port `temporalUi`. */
export const portVariable = (name: PortName): string =>
  `MERIDIAN_PORT_${name.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`;

/** The first free port from `wanted` on that is not taken already by another part. */
export async function nextFree(wanted: number, taken: ReadonlySet<number>, free: IsFree): Promise<number> {
  for (let port = wanted; port < wanted + TRIED && port <= LARGEST; port += 1) {
    if (!taken.has(port) && (await free(port))) return port;
  }
  throw new Error(
    `No free port from ${wanted} to ${Math.min(wanted + TRIED - 1, LARGEST)}. Free one, or force another.`,
  );
}

export interface PortChoice {
  recorded: Partial<Ports>;
  /** Ports whose part runs now: kept as they are. */
  running: ReadonlySet<PortName>;
  /** Where the search for a free port begins. */
  defaults: Ports;
  env: Record<string, string | undefined>;
}

/**
 * Gives each part a port: the one forced by its variable, else the one recorded (kept while it is free, or while its
 * own part runs), else the usual one, else the next free one.
 * @throws Error where a forced port is no port, or is taken by another program
 */
export async function choosePorts(choice: PortChoice, free: IsFree = isFree): Promise<Ports> {
  const ports: Partial<Ports> = {};
  const taken = new Set<number>();
  for (const name of Object.keys(DEFAULT_PORTS) as PortName[]) {
    const port = await choosePort(name, choice, taken, free);
    ports[name] = port;
    taken.add(port);
  }
  return ports as Ports;
}

async function choosePort(
  name: PortName,
  { recorded, running, defaults, env }: PortChoice,
  taken: ReadonlySet<number>,
  free: IsFree,
): Promise<number> {
  const before = recorded[name];
  if (running.has(name) && before !== undefined) return before;
  const forced = env[portVariable(name)];
  if (forced !== undefined && forced !== '') {
    const port = Number(forced);
    if (!Number.isInteger(port) || port < 1 || port > LARGEST) {
      throw new Error(`${portVariable(name)}: found "${forced}", expected a port from 1 to ${LARGEST}.`);
    }
    if (taken.has(port) || !(await free(port))) {
      throw new Error(`${portVariable(name)}: port ${port} is taken already. Free it, or name another.`);
    }
    return port;
  }
  return nextFree(before ?? defaults[name], taken, free);
}

const recordPath = (home: string): string => join(home, 'ports.json');

export function readPorts(home: string): Partial<Ports> {
  try {
    return JSON.parse(readFileSync(recordPath(home), 'utf8')) as Partial<Ports>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

/** Written beside and renamed, so that a kill leaves the old record or the new one. */
export function writePorts(home: string, ports: Ports): void {
  const path = recordPath(home);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.partial`, `${JSON.stringify(ports, null, 2)}\n`);
  renameSync(`${path}.partial`, path);
}
