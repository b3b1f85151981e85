import {
  DescribeTrainingJobCommand,
  type DescribeHyperParameterTuningJobResponse,
} from '@aws-sdk/client-sagemaker';
import { ErrorCode, MeridianError } from '../../../contracts/errors';
import { Key } from '../../../contracts/ids';
import type { Trial, TrialReport, TuningDeclaration, TuningOutcome } from '../../../contracts/tuning';
import { limit } from '../../../platform/concurrency';
import { translate } from '../errors';
import { failureOf, isSagemakersOwn, outcomeOf } from '../outcome';
import type { SagemakerDependencies } from '../start';
import { listTrials, readTrial } from './trials';

const READS_IN_FLIGHT = 4;

/**
 * What an ended search has come to: the outcome of its best trial, with what all of them took together. Trials that
 * failed are on record, and do not fail the search.
 * @throws MeridianError TrainingFailed where none succeeded, naming the first's reason; CapacityUnavailable where all
 * failed for a reason of SageMaker's own; TrainingStopped, BadArtifact. None is mended by polling again.
 */
export async function tuningOutcomeOf(
  dependencies: SagemakerDependencies,
  job: DescribeHyperParameterTuningJobResponse,
): Promise<TuningOutcome> {
  const { sagemaker, store } = dependencies;
  const tuningJob = job.HyperParameterTuningJobName!;
  const inFlight = limit(READS_IN_FLIGHT);
  const trials = await Promise.all(
    (await listTrials(sagemaker, tuningJob)).map((summary) => inFlight(() => readTrial(sagemaker, summary))),
  );
  if (job.HyperParameterTuningJobStatus === 'Stopped') throw stopped(tuningJob);
  const objective = objectiveOf(job);
  const best = bestOf(trials, objective.goal);
  if (!best) throw await failure(dependencies, job, trials);

  const outcome = await outcomeOf(dependencies, await describeTrial(dependencies, best.jobName));
  const report: TrialReport = { formatVersion: 1, tuningJob, objective, best: best.jobName, trials };
  const trialsKey = Key.trials(tuningJob);
  await store.put(trialsKey, JSON.stringify(report));
  const count = (status: Trial['status']) => trials.filter((trial) => trial.status === status).length;
  const sum = (what: 'trainingSeconds' | 'billableSeconds') =>
    trials.reduce((total, trial) => total + trial[what], 0);
  return {
    ...outcome,
    trainingSeconds: sum('trainingSeconds'),
    billableSeconds: sum('billableSeconds'),
    tuning: {
      jobName: tuningJob,
      trialsKey,
      trials: { completed: count('Completed'), failed: count('Failed'), stopped: count('Stopped') },
      objective: { ...objective, value: best.objective! },
      hyperparameters: best.hyperparameters,
    },
  };
}

/** The best of those that completed, the earliest of equals: one that was stopped has trained a part only. */
export function bestOf(trials: readonly Trial[], goal: TuningDeclaration['objective']['goal']): Trial | null {
  const sign = goal === 'minimize' ? -1 : 1;
  let best: Trial | null = null;
  for (const trial of trials) {
    if (trial.status !== 'Completed' || trial.objective === null) continue;
    if (best === null || sign * (trial.objective - best.objective!) > 0) best = trial;
  }
  return best;
}

function objectiveOf({ HyperParameterTuningJobConfig: config }: DescribeHyperParameterTuningJobResponse) {
  const { MetricName, Type } = config!.HyperParameterTuningJobObjective!;
  return { metric: MetricName!, goal: Type === 'Minimize' ? ('minimize' as const) : ('maximize' as const) };
}

const stopped = (tuningJob: string): Error =>
  new MeridianError(
    ErrorCode.TrainingStopped,
    `tuning job ${tuningJob}: found Stopped, expected Completed: it was stopped from outside. Resolve with "retry" to tune anew.`,
  );

/** Told by the first trial that failed of its own, where one did: a tuning job says only that they failed. */
async function failure(
  dependencies: SagemakerDependencies,
  job: DescribeHyperParameterTuningJobResponse,
  trials: readonly Trial[],
): Promise<Error> {
  const tuningJob = job.HyperParameterTuningJobName!;
  const failed = trials.filter(({ status }) => status === 'Failed');
  const first = failed.find(({ failureReason }) => !isSagemakersOwn(failureReason)) ?? failed[0];
  if (first) {
    const error = await failureOf(dependencies, await describeTrial(dependencies, first.jobName));
    const lead = `tuning job ${tuningJob}: found no model, ${failed.length} of ${trials.length} trials failed. The first: `;
    return new MeridianError(error.code, lead + error.message, [], { retryable: false });
  }
  const reason = job.FailureReason ?? 'no reason given';
  const { metric } = objectiveOf(job);
  const silent = trials.filter(({ status }) => status === 'Completed').length;
  const found =
    silent > 0
      ? `${silent} trials completed without a value of ${metric}. Check that the program prints what its regex in training.metrics matches.`
      : `no trial completed (${trials.length} were begun): ${reason}`;
  return new MeridianError(
    isSagemakersOwn(reason) ? ErrorCode.CapacityUnavailable : ErrorCode.TrainingFailed,
    `tuning job ${tuningJob}: found no model: ${found}`,
    [],
    { retryable: false },
  );
}

async function describeTrial({ sagemaker }: SagemakerDependencies, jobName: string) {
  try {
    return await sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: jobName }));
  } catch (error) {
    throw translate(error, `reading trial ${jobName}`);
  }
}
