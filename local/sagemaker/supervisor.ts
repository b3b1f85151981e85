/**
 * The supervisor of one training job, detached from the service: `node supervisor.js <job folder>`. Everything it
 * learns goes to disk, so that neither its own end nor the service's loses a job.
 */
import { rm } from 'node:fs/promises';
import { createLog } from '../../platform/log';
import { endAbandoned } from './container/program';
import { createJson } from './files';
import { jobFolder, readState } from './job';
import { identify } from './processes';
import { createStorage } from './storage';
import { INTERNAL_ERROR, supervise } from './supervision';
import { Timeline } from './timeline';

async function main(path: string): Promise<void> {
  const folder = jobFolder(path);
  if (!(await createJson(folder.supervisor, identify(process.pid)))) return;
  const log = createLog('sagemaker-supervisor');
  const { record } = await readState(folder);
  const timeline = await Timeline.open(folder);
  try {
    await supervise({ record, folder, timeline, storage: createStorage(process.env), env: process.env });
    // A container's files end with it; what the job leaves behind is in S3, its log beside the folder.
    await rm(folder.base, { recursive: true, force: true });
  } catch (error) {
    log.error({ error, job: record.name }, 'the job failed for a reason that is not its own');
    await endAbandoned(folder);
    if (!timeline.ended) {
      await timeline.end({ outcome: 'Failed', status: 'Failed', failureReason: INTERNAL_ERROR });
    }
  }
}

void main(process.argv[2]!).then(() => process.exit(0));
