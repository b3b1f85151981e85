import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { findTestTools } from './tools';

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits for a condition; what it waits for is told where it does not come about. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  milliseconds = 60_000,
): Promise<T> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${milliseconds} ms in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export const answers = async (url: string): Promise<boolean> =>
  fetch(url).then(
    (answer) => answer.ok,
    () => false,
  );

/** A server process of a test, its output in a file of its own. */
export class ServerProcess {
  private constructor(private readonly child: ChildProcess) {}

  static async start(
    command: string[],
    { env, log, healthy }: { env: Record<string, string>; log: string; healthy: string },
  ): Promise<ServerProcess> {
    const output = openSync(log, 'a');
    const [file, ...args] = command as [string, ...string[]];
    const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', output, output] });
    const server = new ServerProcess(child);
    await until(`${healthy} (log: ${log})`, () => {
      if (child.exitCode !== null)
        throw new Error(`${command.join(' ')} ended with ${child.exitCode}; see ${log}.`);
      return answers(healthy);
    });
    return server;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    await gone;
  }
}

export interface S3Server {
  /** What clients of it need in their environment. */
  env: Record<string, string>;
  start(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** versitygw on a folder and a free port: the one that MERIDIAN_VERSITYGW_BIN names, else the installed one. */
export async function startS3(home: string): Promise<S3Server> {
  const port = await freePort();
  const data = join(home, 's3');
  mkdirSync(data, { recursive: true });
  const endpoint = `http://127.0.0.1:${port}`;
  const binary = process.env['MERIDIAN_VERSITYGW_BIN'] ?? (await findTestTools()).versitygw;
  let server: ServerProcess | undefined;
  const s3: S3Server = {
    env: {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test-secret',
      AWS_REGION: 'us-west-2',
      AWS_DEFAULT_REGION: 'us-west-2',
    },
    async start() {
      const args = [
        `--port=127.0.0.1:${port}`,
        '--region=us-west-2',
        '--health=/_healthz',
        '--quiet',
        'posix',
        data,
      ];
      server = await ServerProcess.start([binary, ...args], {
        env: { ROOT_ACCESS_KEY: 'test', ROOT_SECRET_KEY: 'test-secret' },
        log: join(home, 's3.log'),
        healthy: `${endpoint}/_healthz`,
      });
    },
    stop: async (signal) => server?.stop(signal),
  };
  await s3.start();
  return s3;
}
