import { randomUUID } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readState, readTags, type JobFolder } from './job';
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
  'StartTime',
  'EndTime',
  'Timestamp',
]);

/** The file of all events of a service, given the folder of one of its jobs (`<home>/jobs/<name>`). */
const eventsFile = (folder: JobFolder): string => join(dirname(dirname(folder.path)), 'events.jsonl');

/** Tells that a job's state has changed: one line in EventBridge's shape. */
export async function emitStateChange(folder: JobFolder, kind: JobKind): Promise<void> {
  const state = await readState(folder);
  const { arn, region } = state.record;
  const tags = await readTags(folder);
  const event = {
    version: '0',
    id: randomUUID(),
    'detail-type': kind.event,
    source: 'aws.sagemaker',
    account: arn.split(':')[4],
    time: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    region,
    resources: [arn],
    detail: {
      ...(timesAsText(kind.describe(state)) as object),
      Tags: Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])),
    },
  };
  await appendFile(eventsFile(folder), `${JSON.stringify(event)}\n`);
}

function timesAsText(value: unknown, member = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => timesAsText(item));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, timesAsText(item, key)]));
  }
  return typeof value === 'number' && TIMES.has(member) ? String(Math.round(value * 1000)) : value;
}
