import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { projectRoot } from '../../platform/project-root';
import { keepMaskingKey, processEnvironment, stackEnvironment } from './environment';
import {
  DEFAULT_PORTS,
  PART_NAMES,
  type Part,
  type PartContext,
  type PartName,
  type PortName,
  type Ports,
} from './part';
import { partProcess, type PartProcess } from './part-process';
import { PARTS, partsNamed } from './parts';
import { choosePorts, readPorts, writePorts } from './ports';
import { findTools, type Tools } from './tools';

const START_MS = 90_000;
// Longer than the workers' grace, so that a local activity at work may end.
const STOP_MS = 20_000;

export type PartState = 'serving' | 'failing' | 'stopped';

export interface PartStatus {
  name: PartName;
  state: PartState;
  pid?: number;
  since?: string;
  ports: Partial<Ports>;
  log: string;
  /** What is wrong, where the state is `failing`. */
  problem?: string;
}

/** Told as each part changes. */
export type OnProgress = (part: PartName, state: 'starting' | 'serving' | 'stopping' | 'stopped') => void;

/**
 * The whole platform on one machine, under one folder: its processes outlive the program that starts them, and
 * any other program finds them by that folder.
 */
export interface Stack {
  readonly home: string;
  /** Starts these parts (all of them by default) and waits until each serves; leaves alone what serves already. */
  up(parts?: readonly string[], onProgress?: OnProgress): Promise<void>;
  /** Stops these parts (all of them by default), the dependent ones first. */
  down(parts?: readonly string[], onProgress?: OnProgress): Promise<void>;
  restart(part: string): Promise<void>;
  /** Sends a signal to one part; false where it does not run. */
  kill(part: string, signal: NodeJS.Signals): Promise<boolean>;
  status(): Promise<PartStatus[]>;
  /** Where everything is, as environment variables. @throws Error where the stack was never started */
  env(): Record<string, string>;
  /** The last lines of a part's log. */
  logs(part: string, lines?: number): Promise<string>;
}

export interface StackOptions {
  /** The folder of its data, logs and process records. */
  home: string;
  /** Where the search for free ports begins, instead of at each part's usual one. */
  firstPort?: number;
}

export function createStack({ home: givenHome, firstPort }: StackOptions): Stack {
  const home = resolve(givenHome);

  const processOf = (part: Part, ports: Ports, tools: Tools): PartProcess => {
    const context: PartContext = {
      home,
      ports,
      tools,
      root: projectRoot(),
      data: join(home, 'data', part.name),
      env: processEnvironment(stackEnvironment(home, ports)),
      readyFile: join(home, 'run', `${part.name}.ready`),
    };
    return partProcess(part, context);
  };

  /** The processes as they are known by their records, whatever is installed now. */
  const recorded = (part: Part): PartProcess => processOf(part, knownPorts(), {} as Tools);

  const knownPorts = (): Ports => ({ ...defaultPorts(firstPort), ...readPorts(home) });

  const choose = async (): Promise<Ports> => {
    const running = Object.values(PARTS).filter((part) => recorded(part).record() !== null);
    const ports = await choosePorts({
      recorded: readPorts(home),
      running: new Set(running.flatMap((part) => part.ports)),
      defaults: defaultPorts(firstPort),
      env: process.env,
    });
    writePorts(home, ports);
    return ports;
  };

  const stack: Stack = {
    home,

    async up(names = PART_NAMES, onProgress = () => undefined) {
      mkdirSync(home, { recursive: true });
      keepMaskingKey(home);
      const wanted = withNeeds(partsNamed(names));
      const [tools, ports] = [await findTools(), await choose()];
      const started = new Map<PartName, Promise<void>>();
      const start = async (part: Part): Promise<void> => {
        await Promise.all(part.needs.map(async (need) => started.get(need)));
        onProgress(part.name, 'starting');
        await processOf(part, ports, tools).start(START_MS);
        onProgress(part.name, 'serving');
      };
      for (const part of wanted) started.set(part.name, start(part));
      const outcomes = await Promise.allSettled(started.values());
      const failures = new Set(outcomes.flatMap((o) => (o.status === 'rejected' ? [o.reason as Error] : [])));
      if (failures.size > 0) throw new Error([...failures].map(({ message }) => message).join('\n\n'));
    },

    async down(names = PART_NAMES, onProgress = () => undefined) {
      const wanted = inOrder(partsNamed(names));
      const stopped = new Map<PartName, Promise<void>>();
      const stop = async (part: Part): Promise<void> => {
        const users = wanted.filter(({ needs }) => needs.includes(part.name));
        await Promise.all(users.map(async ({ name }) => stopped.get(name)));
        const running = recorded(part);
        if (!running.record()) return;
        onProgress(part.name, 'stopping');
        await running.stop(STOP_MS);
        onProgress(part.name, 'stopped');
      };
      for (const part of wanted.toReversed()) stopped.set(part.name, stop(part));
      await Promise.all(stopped.values());
    },

    async restart(name) {
      await stack.down([name]);
      await stack.up([name]);
    },

    kill: async (name, signal) => partsNamed([name]).every((part) => recorded(part).kill(signal)),

    status: () => Promise.all(PART_NAMES.map((name) => statusOf(PARTS[name]))),

    env() {
      const ports = readPorts(home);
      if (Object.keys(ports).length === 0) {
        throw new Error(`${home}: no platform was started here yet. Run: npx meridian local up`);
      }
      return stackEnvironment(home, { ...defaultPorts(firstPort), ...ports });
    },

    logs: async (name, lines) =>
      (await Promise.all(partsNamed([name]).map((part) => recorded(part).tail(lines)))).join(),
  };

  async function statusOf(part: Part): Promise<PartStatus> {
    const ports = knownPorts();
    const running = recorded(part);
    const record = running.record();
    const own = Object.fromEntries(part.ports.map((port: PortName) => [port, ports[port]]));
    const status = { name: part.name, ports: own, log: running.log };
    if (!record) return { ...status, state: 'stopped' };
    const known = { ...status, pid: record.pid, since: record.startedAt };
    try {
      await running.check();
      return { ...known, state: 'serving' };
    } catch (error) {
      return { ...known, state: 'failing', problem: (error as Error).message };
    }
  }

  return stack;
}

const defaultPorts = (first?: number): Ports =>
  first === undefined
    ? DEFAULT_PORTS
    : (Object.fromEntries(Object.keys(DEFAULT_PORTS).map((name) => [name, first])) as Ports);

const inOrder = (parts: readonly Part[]): Part[] =>
  PART_NAMES.map((name) => PARTS[name]).filter((p) => parts.includes(p));

/** These parts and all they need, each behind what it needs. */
function withNeeds(parts: readonly Part[]): Part[] {
  const all = new Set(parts);
  for (const part of all) for (const need of part.needs) all.add(PARTS[need]);
  return inOrder([...all]);
}
