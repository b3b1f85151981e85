import { isAbsolute, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { Client } from '@temporalio/client';
import { SearchAttribute } from '../../contracts/search-attributes';
import { TaskQueue } from '../../contracts/task-queues';
import { projectRoot } from '../../platform/project-root';
import { findTestTools } from './tools';

type Bundle = 'workflows' | 'scoring';
type Mocks = Record<string, (...args: never[]) => unknown>;

Runtime.install({ logger: new DefaultLogger('ERROR') });

/** The bundle that the build made: what the workers run is what is tested. */
export const bundle = (name: Bundle): { codePath: string } => ({
  codePath: join(projectRoot(), 'dist', `${name}.bundle.js`),
});

/** A real Temporal server in memory, with the platform's search attributes. */
export async function startTemporal(): Promise<TestWorkflowEnvironment> {
  const { temporal } = await findTestTools();
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: temporal },
      searchAttributes: Object.values(SearchAttribute),
      extraArgs: [
        'history.transferProcessorMaxPollRPS=2000',
        'history.timerProcessorMaxPollRPS=2000',
      ].flatMap((value) => ['--dynamic-config-value', value]),
      log: { format: 'json', level: 'error' },
    },
  });
}

/** A server whose clock jumps to the next timer while everybody waits. */
export async function startTimeSkippingTemporal(): Promise<TestWorkflowEnvironment> {
  const { timeSkipping } = await findTestTools();
  const environment = await TestWorkflowEnvironment.createTimeSkipping(
    isAbsolute(timeSkipping) ? { server: { executable: { type: 'existing-path', path: timeSkipping } } } : {},
  );
  await environment.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(
      Object.values(SearchAttribute).map(({ name, type }) => [name, INDEXED_TYPE[type]]),
    ),
  });
  return environment;
}

/** Runs workers for `pipelines` and `data` with these activities for the time of one test. */
export async function withWorkers<T>(
  environment: TestWorkflowEnvironment,
  activities: Mocks,
  test: () => Promise<T>,
): Promise<T> {
  const common = { connection: environment.nativeConnection, activities };
  const workers = await Promise.all([
    Worker.create({ ...common, taskQueue: TaskQueue.pipelines, workflowBundle: bundle('workflows') }),
    Worker.create({ ...common, taskQueue: TaskQueue.data }),
  ]);
  const [pipelines, data] = workers;
  return pipelines.runUntil(data.runUntil(test));
}

interface ReplayOptions {
  /** Workflow IDs that may still be open, and why. */
  open?: Record<string, string>;
}

/**
 * Replays the history of every workflow on the server against the bundles. A workflow that never closed fails, unless
 * a reason is given.
 */
export async function replayAll(client: Client, options: ReplayOptions = {}): Promise<number> {
  let replayed = 0;
  const openIds: string[] = [];
  const histories: Record<Bundle, { workflowId: string; history: unknown }[]> = {
    workflows: [],
    scoring: [],
  };
  for await (const execution of client.workflow.list()) {
    const { workflowId, runId, type } = execution;
    const handle = client.workflow.getHandle(workflowId, runId);
    // The list is a moment behind; the workflow itself knows.
    const { status } = await handle.describe();
    if (status.name === 'RUNNING' && !allowed(workflowId, options)) openIds.push(workflowId);
    const history = await handle.fetchHistory();
    histories[SCORING_TYPES.has(type) ? 'scoring' : 'workflows'].push({ workflowId, history });
    replayed += 1;
  }
  if (openIds.length > 0) throw new Error(`These workflows never closed: ${openIds.join(', ')}`);
  for (const name of ['workflows', 'scoring'] as const) {
    const results = Worker.runReplayHistories({ workflowBundle: bundle(name) }, histories[name] as never);
    for await (const { workflowId, error } of results) {
      if (error) throw new Error(`${workflowId} does not replay: ${error.message}`, { cause: error });
    }
  }
  return replayed;
}

/** Replays one workflow; for the time-skipping server, which lists none. */
export async function replayTimeSkipped(client: Client, workflowId: string): Promise<void> {
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  await Worker.runReplayHistory({ workflowBundle: bundle('workflows') }, history, workflowId);
}

/** `temporal.api.enums.v1.IndexedValueType` of the kinds that we use. */
const INDEXED_TYPE = { KEYWORD: 2, BOOL: 5 } as const;

const SCORING_TYPES: ReadonlySet<string> = new Set(['scorer', 'predict']);

function allowed(workflowId: string, { open = {} }: ReplayOptions): boolean {
  return Object.keys(open).some((prefix) => workflowId.startsWith(prefix));
}

/** An ID of its own for a test, so that tests share a server without meeting. */
export const uniqueLabel = (): string => randomUUID().slice(0, 8);
