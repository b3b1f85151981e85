import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { canonicalJson } from '../contracts/canonical-json';
import { ErrorCode, MeridianError } from '../contracts/errors';
import { validateLimits } from '../contracts/generated/validators';
import { Key, WorkflowId } from '../contracts/ids';
import type { LimitOverview, Limits } from '../contracts/limits';
import { parse } from '../contracts/validate';
import { projectRoot } from '../platform/project-root';
import type { ObjectStore } from '../platform/s3';

const FILE = 'config/limits.json';

export type LimitsChange = 'created' | 'updated' | 'unchanged';

/**
 * Publishes config/limits.json; trainings that wait, or run, go by it within a minute or two.
 * @throws MeridianError InvalidInput where the file does not fit its schema
 */
export async function publishLimits(store: ObjectStore): Promise<LimitsChange> {
  const body = canonicalJson(parse<Limits>(validateLimits, FILE, await readLimits()));
  const before = await store.find(Key.limits);
  if (before?.body.toString('utf8') === body) return 'unchanged';
  await store.put(Key.limits, body);
  return before ? 'updated' : 'created';
}

async function readLimits(): Promise<unknown> {
  const text = await readFile(join(projectRoot(), FILE), 'utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `${FILE}: expected JSON, found ${String(cause)}. Nothing was published; correct it.`,
      [],
      { cause },
    );
  }
}

/** Every limit that is declared, and who holds it or waits for it now. */
export async function limitsInUse(store: ObjectStore, temporal: Client): Promise<LimitOverview[]> {
  const found = await store.find(Key.limits);
  if (!found) return [];
  const { teams = {}, instanceTypes = {} } = JSON.parse(found.body.toString('utf8')) as Limits;
  const declared = Object.entries({ ...teams, ...instanceTypes });
  return Promise.all(
    declared.map(async ([name, capacity]) => ({
      ...((await overviewOf(temporal, name)) ?? { held: [], queue: [] }),
      name,
      capacity,
    })),
  );
}

/** Null where nobody has asked for it lately: then it does not run. */
async function overviewOf(temporal: Client, name: string): Promise<LimitOverview | null> {
  const limit = temporal.workflow.getHandle(WorkflowId.limit(name));
  try {
    if ((await limit.describe()).status.name !== 'RUNNING') return null;
    return await limit.query<LimitOverview>('overview');
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
