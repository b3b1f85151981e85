import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { publishDeclaration } from '../../client/declarations';
import type { Day } from '../../contracts/days';
import type { MaterializeFeaturesInput } from '../../contracts/generated/types';
import { TaskQueue } from '../../contracts/task-queues';
import { layDownSampleData } from '../../local/sample';
import { processEnvironment } from '../../local/stack/environment';
import type { PartName } from '../../local/stack/part';
import { beginOf } from '../../platform/process-begin';
import { createStack } from '../../local/stack/stack';
import { churn } from '../../models/churn/model';
import { loadConfig } from '../../platform/config';
import { projectRoot } from '../../platform/project-root';
import { createRedis, type Redis } from '../../platform/redis';
import { createObjectStore, type ObjectStore } from '../../platform/s3';
import { connectClient } from '../../platform/temporal';
import type { MaterializeResult } from '../../workflows/materialize-features';
import { resultOf } from '../main-job/runs';
import { until } from '../support/servers';
import { replayAll } from '../support/workflow-environment';

const PARTS: PartName[] = ['temporal', 's3', 'redis', 'pipelines', 'data'];

/** The parts that feed the feature store, as `npm start` runs them, and what kills them. */
export interface KillStage {
  client: Client;
  store: ObjectStore;
  redis: Redis;
  /** Where an object lies on this machine's disk. */
  path(key: string): string;
  /** Starts a run. @returns its workflow ID */
  start(label: string, input: MaterializeFeaturesInput): Promise<string>;
  /** Whether an activity of the run is being worked on. */
  isAtWork(workflowId: string, activity: string): Promise<boolean>;
  /** What a run came to. @throws Error where it parks */
  result(workflowId: string): Promise<MaterializeResult>;
  /** `kill -9`, whatever it is doing. */
  kill(part: PartName): Promise<void>;
  /** Starts what does not run. */
  up(...parts: PartName[]): Promise<void>;
  /** A data worker of its own, which can be frozen and cut off from Temporal. */
  startSecondDataWorker(): Promise<FreezableWorker>;
  /** Replays every history there is, and stops everything. @throws Error where one does not replay, or a run is open */
  close(): Promise<void>;
}

/** Starts every part, lays down raw data of so many customers, and publishes churn. */
export async function startKillStage(sample: { customers: number; endDate: Day }): Promise<KillStage> {
  const home = await mkdtemp(join(tmpdir(), 'meridian-kill-'));
  // A process that is killed clears nothing away.
  process.env['TMPDIR'] = join(home, 'tmp');
  mkdirSync(process.env['TMPDIR']);
  const stack = createStack({ home, firstPort: 12_000 + Math.floor(Math.random() * 15_000) });
  try {
    await stack.up(PARTS);
  } catch (error) {
    await stack.down();
    throw error;
  }
  const env = stack.env();
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) process.env[name] = env[name];
  const config = loadConfig(env);
  const client = await connectClient(config.temporal);
  const store = createObjectStore(config.s3);
  const redis = createRedis(config);
  await layDownSampleData(store, { ...sample, days: 180 });
  await publishDeclaration(store, churn);

  return {
    client,
    store,
    redis,
    path: (key) => join(home, 'data', 's3', store.bucket, key),
    async start(label, input) {
      const { workflowId } = await client.workflow.start('materializeFeatures', {
        workflowId: `materialize-features/${label}`,
        taskQueue: TaskQueue.pipelines,
        args: [input],
      });
      return workflowId;
    },
    result: (workflowId) => resultOf<MaterializeResult>({ client }, workflowId),
    async isAtWork(workflowId, activity) {
      const { raw } = await client.workflow.getHandle(workflowId).describe();
      return (raw.pendingActivities ?? []).some(
        ({ activityType, lastWorkerIdentity }) =>
          activityType?.name === activity && Boolean(lastWorkerIdentity),
      );
    },
    async kill(part) {
      const { pid } = (await stack.status()).find(({ name }) => name === part)!;
      expect(await stack.kill(part, 'SIGKILL')).toBe(true);
      await until(`${part} to be gone`, () => beginOf(pid!) === null);
    },
    up: (...parts) => stack.up(parts),
    startSecondDataWorker: () => FreezableWorker.start(home, env),
    async close() {
      const [replay] = await Promise.allSettled([stack.up(['temporal']).then(() => replayAll(client))]);
      await client.connection.close();
      store.close();
      redis.disconnect();
      await stack.down();
      await rm(home, { recursive: true, force: true });
      if (replay.status === 'rejected') throw replay.reason;
    },
  };
}

/** Waits for a moment that may be a short one. @throws Error naming it where it does not come */
export async function asSoonAs(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  for (const deadline = Date.now() + 90_000; !(await look()); await sleep(2))
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
}

/** A data worker that reaches Temporal through a door that can be shut. */
export class FreezableWorker {
  private constructor(
    private readonly child: ChildProcess,
    private readonly door: Door,
  ) {}

  static async start(home: string, env: Record<string, string>): Promise<FreezableWorker> {
    const door = await Door.open(env['TEMPORAL_ADDRESS']!);
    const ready = join(home, 'second-data-worker.ready');
    const child = spawn(process.execPath, [join(projectRoot(), 'dist', 'workers', 'data.js')], {
      env: { ...processEnvironment(env), TEMPORAL_ADDRESS: door.address, MERIDIAN_READY_FILE: ready },
      stdio: 'ignore',
    });
    await until('the second data worker', () => existsSync(ready));
    return new FreezableWorker(child, door);
  }

  /** It does nothing any more, and Temporal gives it nothing: what it polled for would be lost in it. */
  freeze(): void {
    this.child.kill('SIGSTOP');
    this.door.shut();
  }

  thaw(): void {
    this.door.reopen();
    this.child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await gone;
    }
    await this.door.close();
  }
}

/** Passes TCP connections on to an address, until it is shut. */
class Door {
  private readonly sockets = new Set<Socket>();
  private isShut = false;

  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    readonly address: string,
  ) {}

  static async open(target: string): Promise<Door> {
    const [host, port] = target.split(':') as [string, string];
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const door = new Door(server, `127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('connection', (inner) => door.pass(inner, connect(Number(port), host)));
    return door;
  }

  shut(): void {
    this.isShut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  reopen(): void {
    this.isShut = false;
  }

  async close(): Promise<void> {
    this.shut();
    this.server.close();
    await once(this.server, 'close');
  }

  private pass(inner: Socket, outer: Socket): void {
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    if (this.isShut) return void inner.destroy();
    inner.pipe(outer).pipe(inner);
  }
}
