import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../platform/project-root';
import { endAbandoned } from './container/program';
import { readJson } from './files';
import type { JobStore } from './job-store';
import { isAlive, type ProcessIdentity } from './processes';
import { INTERNAL_ERROR } from './supervision';
import { Timeline } from './timeline';

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
    for (const { record, progress } of await this.store.all()) {
      if (!progress.outcome && !(await this.supervisorOf(record.name))) this.start(record.name);
    }
  }

  /** Ends a job whose supervisor is gone; does nothing for every other. */
  settle(name: string): Promise<void> {
    const running = this.settling.get(name) ?? this.endIfAbandoned(name);
    this.settling.set(name, running);
    return running.finally(() => this.settling.delete(name));
  }

  private async endIfAbandoned(name: string): Promise<void> {
    const { progress } = await this.store.state(name);
    if (progress.outcome || this.starting.has(name)) return;
    const supervisor = await this.supervisorOf(name);
    if (supervisor && isAlive(supervisor)) return;
    const folder = this.store.folder(name);
    // Read after it was found dead: it may have told the end just before.
    const timeline = await Timeline.open(folder);
    if (timeline.ended) return;
    await endAbandoned(folder);
    await timeline.end({ outcome: 'Failed', status: 'Failed', failureReason: INTERNAL_ERROR });
  }

  private supervisorOf(name: string): Promise<ProcessIdentity | null> {
    return readJson<ProcessIdentity>(this.store.folder(name).supervisor);
  }
}
