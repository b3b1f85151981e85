import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../../platform/project-root';
import { INTERNAL_ERROR } from '../api/errors';
import { endAbandoned } from '../container/running';
import { readJson } from '../files';
import { isAlive, type ProcessIdentity } from '../processes';
import type { JobStore } from './job-store';
import { Timeline, failed } from './timeline';

/** Starts the jobs' supervisors and notices where one has died without telling its job's end. */
export class Supervisors {
  private readonly starting = new Map<string, ChildProcess>();
  private readonly settling = new Map<string, Promise<void>>();

  constructor(
    private readonly store: JobStore,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Starts a supervisor that outlives this process. A second one for the same job ends at once. */
  start(name: string): void {
    const folder = this.store.folder(name);
    const log = openSync(folder.supervisorLog, 'a');
    const program = join(projectRoot(), 'dist', 'local', 'sagemaker', 'supervisor.js');
    const child = spawn(process.execPath, [program, folder.path], {
      detached: true,
      env: this.env,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.once('exit', () => this.starting.delete(name));
    child.once('error', () => this.starting.delete(name));
    child.unref();
    this.starting.set(name, child);
  }

  /** Takes up the jobs that were created when an earlier service was killed, before their supervisor began. */
  async recover(): Promise<void> {
    for (const { record } of await this.store.open()) {
      if (!(await this.supervisorOf(record.name))) this.start(record.name);
    }
  }

  async settleAll(): Promise<void> {
    await Promise.all((await this.store.open()).map(({ record }) => this.settle(record.name)));
  }

  /** Ends a job whose supervisor is gone, or starts it again where its owner asked for that; nothing for every other. */
  settle(name: string): Promise<void> {
    const running = this.settling.get(name) ?? this.takeOverIfAbandoned(name);
    this.settling.set(name, running);
    return running.finally(() => this.settling.delete(name));
  }

  private async takeOverIfAbandoned(name: string): Promise<void> {
    const { record, progress } = await this.store.state(name);
    if (progress.outcome || this.starting.has(name)) return;
    const supervisor = await this.supervisorOf(name);
    if (supervisor && isAlive(supervisor)) return;
    const { kind } = this.store;
    const folder = this.store.folder(name);
    // Read after it was found dead: it may have told the end just before.
    const timeline = await Timeline.open(folder, kind);
    if (timeline.ended) return;
    await endAbandoned(folder);
    const stopped = (await readJson(folder.stop)) !== null;
    if (stopped || (timeline.progress.retries ?? 0) >= kind.maximumRetries({ record })) {
      return timeline.end(failed(INTERNAL_ERROR));
    }
    await timeline.retry();
    await rm(folder.supervisor, { force: true });
    this.start(name);
  }

  private supervisorOf(name: string): Promise<ProcessIdentity | null> {
    return readJson<ProcessIdentity>(this.store.folder(name).supervisor);
  }
}
