import { randomUUID } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Tag } from '@aws-sdk/client-sagemaker';
import { readState, readTags, type JobFolder } from './job';
import { deliver } from './event-target';
import type { JobKind } from './kind';

/** Members of the event's detail that hold a time: unlike in the API, they are strings of epoch milliseconds. */
const TIMES = new Set([
  'CreationTime',
  'LastModifiedTime',
  'TrainingStartTime',
  'TrainingEndTime',
  'ProcessingStartTime',
  'ProcessingEndTime',
  'TransformStartTime',
  'TransformEndTime',
  'HyperParameterTuningEndTime',
  'StartTime',
  'EndTime',
  'Timestamp',
]);

/** What happened to which resource. */
export interface StateChange {
  /** EventBridge's `detail-type`. */
  type: string;
  arn: string;
  region: string;
  /** As Describe answers it; times in epoch seconds. */
  detail: object;
  tags: Tag[];
}

/**
 * Tells of a change: one line in EventBridge's shape in the service's `events.jsonl`, and the same to whom
 * MERIDIAN_SAGEMAKER_EVENTS_URL names.
 */
export async function emitEvent(
  home: string,
  { type, arn, region, detail, tags }: StateChange,
): Promise<void> {
  const event = {
    version: '0',
    id: randomUUID(),
    'detail-type': type,
    source: 'aws.sagemaker',
    account: arn.split(':')[4],
    time: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    region,
    resources: [arn],
    detail: {
      ...(timesAsText(detail) as object),
      Tags: Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])),
    },
  };
  await appendFile(join(home, 'events.jsonl'), `${JSON.stringify(event)}\n`);
  await deliver(event);
}

/** Tells that a job's state has changed. */
export async function emitStateChange(folder: JobFolder, kind: JobKind): Promise<void> {
  const state = await readState(folder);
  const { arn, region } = state.record;
  const home = dirname(dirname(folder.path));
  const tags = await readTags(folder);
  await emitEvent(home, { type: kind.event, arn, region, detail: kind.describe(state), tags });
}

function timesAsText(value: unknown, member = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => timesAsText(item));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, timesAsText(item, key)]));
  }
  return typeof value === 'number' && TIMES.has(member) ? String(Math.round(value * 1000)) : value;
}
