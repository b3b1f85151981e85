import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import type { Client } from '@temporalio/client';
import { canonicalJson } from '../../contracts/canonical-json';
import { Key } from '../../contracts/ids';
import type {
  ArtifactManifest,
  DeclarationPointer,
  GoldenRows,
  ModelDeclaration,
} from '../../contracts/model';
import type { Generation, ReleasePointer, ServedVersion, Variant } from '../../contracts/release';
import { createStack, type Stack } from '../../local/stack/stack';
import { loadConfig, type Config } from '../../platform/config';
import { projectRoot } from '../../platform/project-root';
import { createRedis, type Redis } from '../../platform/redis';
import { createObjectStore, sha256, type ObjectStore } from '../../platform/s3';
import { connectClient } from '../../platform/temporal';
import { fixtureFiles, fixtureJson, type Fixture } from '../support/artifact-fixtures';

/** Real servers for the scoring tests, the means to release models on them, and the processes under test. */
export interface Rig {
  env: Record<string, string>;
  config: Config;
  store: ObjectStore;
  redis: Redis;
  client: Client;
  golden: GoldenRows;
  /** Starts `dist/workers/<name>.js` and waits until it says that it serves. */
  start(name: 'inference' | 'gateway', env?: Record<string, string>): Promise<Running>;
  close(): Promise<void>;
}

export interface Running {
  url: string;
  /** Host and port of an inference worker's gRPC service. */
  grpc: string;
  process: ChildProcess;
  /** Ends it and waits for its exit; the exit code, null where a signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export async function createRig(): Promise<Rig> {
  const home = await mkdtemp(join(tmpdir(), 'meridian-scoring-'));
  const stack: Stack = createStack({ home, firstPort: 20_000 + Math.floor(Math.random() * 20_000) });
  await stack.up(['temporal', 's3', 'redis']);
  const env = { ...stack.env() };
  process.env['AWS_ACCESS_KEY_ID'] = env['AWS_ACCESS_KEY_ID'];
  process.env['AWS_SECRET_ACCESS_KEY'] = env['AWS_SECRET_ACCESS_KEY'];
  const config = loadConfig(env);
  const store = createObjectStore(config.s3);
  await store.ensureBucket();
  const redis = createRedis(config);
  const client = await connectClient(config.temporal);
  const golden = fixtureJson<GoldenRows>('model', 'golden.json');
  const running = new Set<Running>();

  return {
    env,
    config,
    store,
    redis,
    client,
    golden,
    async start(name, more = {}) {
      const started = await startProcess(name, { ...env, ...more }, home);
      running.add(started);
      return started;
    },
    async close() {
      await Promise.all([...running].map((one) => one.stop('SIGTERM')));
      redis.disconnect();
      store.close();
      await client.connection.close();
      await stack.down();
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function startProcess(name: string, env: Record<string, string>, home: string): Promise<Running> {
  const [port, grpcPort] = [await freePort(), await freePort()];
  const readyFile = join(home, `${name}-${port}.ready`);
  const child = spawn(process.execPath, [join(projectRoot(), 'dist', 'workers', `${name}.js`)], {
    env: {
      ...process.env,
      ...env,
      MERIDIAN_READY_FILE: readyFile,
      MERIDIAN_SCORING_PORT: String(port),
      MERIDIAN_SCORING_GRPC_PORT: String(grpcPort),
      MERIDIAN_GATEWAY_PORT: String(port),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(join(home, `${name}-${port}.log`));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.pipe(log, { end: false });
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  await until(
    `${name} to be ready`,
    async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}:\n${said}`);
      return (await readFile(readyFile, 'utf8').catch(() => '')) !== '';
    },
    90_000,
  );
  return {
    url: `http://127.0.0.1:${port}`,
    grpc: `127.0.0.1:${grpcPort}`,
    process: child,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return exited;
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Waits until something holds; a test that waits in vain says for what. */
export async function until(what: string, holds: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Waited ${withinMs} ms in vain for ${what}.`);
}

/** A declaration whose inputs are those of the fixture's graph, out of one view keyed by customer_id. */
export function declarationOf(model: string): ModelDeclaration {
  return {
    name: model,
    kind: 'tabular-classifier',
    description: 'The fixture model.',
    owner: 'tests',
    schemaVersion: 1,
    views: [
      {
        name: `${model.replaceAll('-', '_')}_view`,
        version: 1,
        description: 'The fixture view.',
        owner: 'tests',
        entity: { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'string' }] },
        ttlSeconds: 172_800,
        features: [
          { name: 'tenure', type: 'double' },
          { name: 'auto_renew', type: 'bool' },
          { name: 'plan', type: 'string' },
        ],
        sources: [],
        transformation: null,
      },
    ],
    inputs: [
      { name: 'tenure', view: `${model.replaceAll('-', '_')}_view`, feature: 'tenure', type: 'number' },
      {
        name: 'auto_renew',
        view: `${model.replaceAll('-', '_')}_view`,
        feature: 'auto_renew',
        type: 'boolean',
      },
      { name: 'plan', view: `${model.replaceAll('-', '_')}_view`, feature: 'plan', type: 'category' },
    ],
    serving: { mode: 'online', p95Ms: 45 },
  } as unknown as ModelDeclaration;
}

/** Publishes a declaration as `apply` does. */
export async function declare(store: ObjectStore, declaration: ModelDeclaration): Promise<string> {
  const body = canonicalJson(declaration);
  const hash = sha256(body);
  const pointer: DeclarationPointer = {
    hash,
    code: { key: Key.code('0'), hash: '0' },
    publishedAt: new Date().toISOString(),
  };
  await store.put(Key.declaration(declaration.name, hash), body);
  await store.put(Key.declarationPointer(declaration.name), JSON.stringify(pointer));
  return hash;
}

/** Registers a fixture as a version; `spoil` may change a file after its hash was taken. */
export function register(
  store: ObjectStore,
  declaration: ModelDeclaration,
  version: string,
  spoil?: (file: string, body: Buffer) => Buffer,
  fixture: Fixture = 'model',
): Promise<ServedVersion> {
  return layVersion(store, declaration, version, fixtureFiles(fixture), spoil);
}

/** Registers a fixture as the model's version 1.0.0, and releases it as its first generation. */
export async function releaseFirst(
  store: ObjectStore,
  declaration: ModelDeclaration,
  fixture?: Fixture,
): Promise<void> {
  const { name } = declaration;
  await release(store, name, 1, await register(store, declaration, `${name}-v1.0.0`, undefined, fixture));
}

/** Lays files down as a version of the model, as the registry does. */
export async function layVersion(
  store: ObjectStore,
  declaration: ModelDeclaration,
  version: string,
  left: Iterable<[file: string, body: Buffer]>,
  spoil: (file: string, body: Buffer) => Buffer = (_, body) => body,
): Promise<ServedVersion> {
  const declarationHash = await declare(store, declaration);
  const folder = Key.version(declaration.name, version);
  const files: ArtifactManifest['files'] = {};
  for (const [file, body] of left) {
    files[file] = { sha256: sha256(body), bytes: body.length };
    await store.put(`${folder}${file}`, spoil(file, body));
  }
  const manifest: ArtifactManifest = {
    formatVersion: 1,
    model: declaration.name,
    version,
    provenance: {
      declarationHash,
      codeHash: '0',
      snapshot: '0',
      jobName: 'none',
      workflowId: 'none',
      runId: 'none',
      trigger: 'person',
      reason: 'a test',
    },
    files,
  };
  const body = JSON.stringify(manifest);
  await store.put(`${folder}manifest.json`, body);
  return { version, artifactKey: `${folder}manifest.json`, sha256: sha256(body) };
}

/** Writes a generation and moves the pointer to it, as `releaseModel` does. */
export async function release(
  store: ObjectStore,
  model: string,
  n: number,
  production: ServedVersion,
  others: Variant[] = [],
): Promise<void> {
  const canary = others.reduce((sum, { weight }) => sum + weight, 0);
  const generation: Generation = {
    formatVersion: 1,
    n,
    decisionId: `decision-${n}`,
    kind: 'promote',
    model,
    production,
    variants: [{ ...production, weight: 1 - canary, mode: 'live' }, ...others],
    salt: 'salt',
    previous: n > 1 ? n - 1 : null,
    who: 'tests',
    why: 'a test',
    when: new Date().toISOString(),
  };
  const pointer: ReleasePointer = { generation: n, key: Key.generation(model, n) };
  await store.create(pointer.key, JSON.stringify(generation));
  await store.put(Key.releasePointer(model), JSON.stringify(pointer));
}

/** Replays every workflow the server knows; a replay that differs from its history fails the test. */
export async function replayAll(client: Client): Promise<number> {
  const histories = client.workflow.list({ query: "TaskQueue = 'scoring'" }).intoHistories();
  let replayed = 0;
  const results = Worker.runReplayHistories(
    { workflowBundle: { codePath: join(projectRoot(), 'dist', 'scoring.bundle.js') } },
    histories,
  );
  for await (const { workflowId, error } of results) {
    if (error) throw new Error(`${workflowId} does not replay: ${error.message}`);
    replayed += 1;
  }
  return replayed;
}
