/**
 * The supervisor of one job, detached from the service: `node supervisor.js <job folder>`. Everything it learns goes to
 * disk, so that neither its own end nor the service's loses a job.
 */
import { rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createLog } from '../../platform/log';
import { INTERNAL_ERROR } from './api/errors';
import { partsOf } from './api/operations';
import { endAbandoned } from './container/running';
import { createJson } from './files';
import { jobFolder, readState } from './jobs/job';
import type { JobKind } from './jobs/kind';
import type { Supervised } from './jobs/supervised';
import { Timeline, failed } from './jobs/timeline';
import { PROCESSING } from './processing/kind';
import { superviseProcessing, type Processing } from './processing/supervise';
import { TRANSFORM } from './transform/kind';
import { superviseTransform, type Transform } from './transform/supervise';
import { identify } from './processes';
import { createStorage } from './storage';
import { TRAINING } from './training/kind';
import { superviseTraining, type Training } from './training/supervise';

interface Supervision {
  kind: JobKind;
  supervise: (job: Supervised) => Promise<void>;
}

const KINDS: Supervision[] = [
  { kind: TRAINING, supervise: (job) => superviseTraining(job as Training) },
  { kind: PROCESSING, supervise: (job) => superviseProcessing(job as Processing) },
  { kind: TRANSFORM, supervise: (job) => superviseTransform(job as Transform) },
];

async function main(path: string): Promise<void> {
  const folder = jobFolder(path);
  if (!(await createJson(folder.supervisor, identify(process.pid)))) return;
  const log = createLog('sagemaker-supervisor');
  const { record } = await readState(folder);
  const { resource } = partsOf(record.arn);
  const { kind, supervise } = KINDS.find((one) => one.kind.resource === resource)!;
  const timeline = await Timeline.open(folder, kind);
  const home = dirname(dirname(folder.path));
  const { env } = process;
  try {
    await supervise({ record, folder, timeline, storage: createStorage(env), home, env });
    // A container's files end with it; what the job leaves behind is in S3, its log beside the folder.
    await rm(folder.containers, { recursive: true, force: true });
  } catch (error) {
    log.error({ error, job: record.name }, 'the job failed for a reason that is not its own');
    await endAbandoned(folder);
    const retries = timeline.progress.retries ?? 0;
    // Where another start is due, the service gives it once this process is gone.
    if (!timeline.ended && retries >= kind.maximumRetries({ record }))
      await timeline.end(failed(INTERNAL_ERROR));
  }
}

void main(resolve(process.argv[2]!)).then(() => process.exit(0));
