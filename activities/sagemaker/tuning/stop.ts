import { setTimeout as wait } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { StopHyperParameterTuningJobCommand } from '@aws-sdk/client-sagemaker';
import { MeridianError } from '../../../contracts/errors';
import { isEndedAlready, isUnknownJob, translate } from '../errors';
import type { SagemakerDependencies } from '../start';
import { hasTuningEnded, progressOf } from './progress';
import { findTuning } from './start';
import { isLive, listTrials } from './trials';

const PAUSE_MS = 500;

/**
 * Stops the tuning job and waits until it and every trial of it have stopped. Outages do not end this: a cancelled
 * activity is not retried, and must not leave a job running behind it.
 */
export async function stopTuning(dependencies: SagemakerDependencies, jobName: string): Promise<void> {
  const { sagemaker } = dependencies;
  for (let asked = false; ;) {
    try {
      if (!asked) await askToStop(dependencies, jobName);
      asked = true;
      const job = await findTuning(sagemaker, jobName);
      if (!job) return;
      if (hasTuningEnded(job) && !(await listTrials(sagemaker, jobName)).some(isLive)) return;
      Context.current().heartbeat(progressOf(job));
    } catch (error) {
      if (!(error instanceof MeridianError && error.retryable)) throw error;
    }
    await wait(PAUSE_MS);
  }
}

async function askToStop({ sagemaker }: SagemakerDependencies, jobName: string): Promise<void> {
  try {
    await sagemaker.send(new StopHyperParameterTuningJobCommand({ HyperParameterTuningJobName: jobName }));
  } catch (error) {
    if (!isEndedAlready(error) && !isUnknownJob(error))
      throw translate(error, `stopping tuning job ${jobName}`);
  }
}
