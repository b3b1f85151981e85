import { setTimeout as wait } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { StopTrainingJobCommand } from '@aws-sdk/client-sagemaker';
import { MeridianError } from '../../contracts/errors';
import { isEndedAlready, isUnknownJob, translate } from './errors';
import { hasEnded, heartbeatOf } from './job-state';
import { findJob, type SagemakerDependencies } from './start';

const PAUSE_MS = 500;

/** What became of a job that was to be stopped; null where there never was one. */
export interface EndedJob {
  status: 'Completed' | 'Failed' | 'Stopped' | null;
}

/**
 * Stops the job and waits until it has stopped. Outages do not end this: a cancelled activity is not retried, and must
 * not leave a job running behind it.
 */
export async function stopJob(dependencies: SagemakerDependencies, jobName: string): Promise<EndedJob> {
  for (let asked = false; ;) {
    try {
      if (!asked) await askToStop(dependencies, jobName);
      asked = true;
      const job = await findJob(dependencies.sagemaker, jobName);
      if (!job) return { status: null };
      if (hasEnded(job)) return { status: job.TrainingJobStatus as EndedJob['status'] };
      Context.current().heartbeat(await heartbeatOf(dependencies, job));
    } catch (error) {
      if (!(error instanceof MeridianError && error.retryable)) throw error;
    }
    await wait(PAUSE_MS);
  }
}

async function askToStop({ sagemaker }: SagemakerDependencies, jobName: string): Promise<void> {
  try {
    await sagemaker.send(new StopTrainingJobCommand({ TrainingJobName: jobName }));
  } catch (error) {
    if (!isEndedAlready(error) && !isUnknownJob(error))
      throw translate(error, `stopping training job ${jobName}`);
  }
}
