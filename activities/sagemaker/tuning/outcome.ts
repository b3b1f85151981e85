import type { DescribeHyperParameterTuningJobResponse } from '@aws-sdk/client-sagemaker';
import { ErrorCode, MeridianError } from '../../../contracts/errors';
import { Key } from '../../../contracts/ids';
import type { JobCost } from '../../../contracts/training';
import type { Trial, TrialReport, TuningDeclaration, TuningOutcome } from '../../../contracts/tuning';
import { totalCost } from '../cost';
import { failureOf, isSagemakersOwn, outcomeOf } from '../outcome';
import type { SagemakerDependencies } from '../start';
import { searchCost } from './cost';
import { findTuning } from './start';
import { readTrials, type EndedTrial } from './trials';

/**
 * What an ended search has come to: the outcome of its best trial, with what all of them took together. Trials that
 * failed are on record, and do not fail the search.
 * @param earlierJobs tuning jobs that were started for the same step before, for what they took
 * @throws MeridianError TrainingFailed where none succeeded, naming the first's reason; SpotUnavailable or
 * CapacityUnavailable where it was not theirs; TrainingStopped, BadArtifact. None is mended by polling again.
 */
export async function tuningOutcomeOf(
  dependencies: SagemakerDependencies,
  job: DescribeHyperParameterTuningJobResponse,
  earlierJobs: readonly string[],
): Promise<TuningOutcome> {
  const tuningJob = job.HyperParameterTuningJobName!;
  if (job.HyperParameterTuningJobStatus === 'Stopped') throw stopped(tuningJob);
  const ended = await readTrials(dependencies, tuningJob);
  const trials = ended.map(({ trial }) => trial);
  const objective = objectiveOf(job);
  const best = bestOf(trials, objective.goal);
  if (!best) throw await failure(dependencies, job, ended);

  const outcome = await outcomeOf(dependencies, ended[trials.indexOf(best)]!.job);
  const report: TrialReport = { formatVersion: 1, tuningJob, objective, best: best.jobName, trials };
  const trialsKey = Key.trials(tuningJob);
  await dependencies.store.put(trialsKey, JSON.stringify(report));
  const own = searchCost(
    job,
    ended.map(({ cost }) => cost),
  );
  const cost = totalCost([...(await costsOf(dependencies, earlierJobs)), own]);
  const count = (status: Trial['status']) => trials.filter((trial) => trial.status === status).length;
  return {
    ...outcome,
    trainingSeconds: cost.trainingSeconds,
    billableSeconds: cost.billableSeconds,
    cost,
    tuning: {
      jobName: tuningJob,
      trialsKey,
      trials: { completed: count('Completed'), failed: count('Failed'), stopped: count('Stopped') },
      objective: { ...objective, value: best.objective! },
      hyperparameters: best.hyperparameters,
    },
  };
}

/** What earlier searches took, one an entry; one that was never made took nothing. */
async function costsOf(dependencies: SagemakerDependencies, jobs: readonly string[]): Promise<JobCost[]> {
  const costs: JobCost[] = [];
  for (const jobName of jobs) {
    const job = await findTuning(dependencies.sagemaker, jobName);
    if (!job) continue;
    const trials = await readTrials(dependencies, jobName);
    costs.push(
      searchCost(
        job,
        trials.map(({ cost }) => cost),
      ),
    );
  }
  return costs;
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
  ended: readonly EndedTrial[],
): Promise<Error> {
  const lead = `tuning job ${job.HyperParameterTuningJobName}: found no model`;
  const error = (code: ErrorCode, why: string) =>
    new MeridianError(code, `${lead}: ${why}`, [], { retryable: false });
  const failed = ended.filter(({ trial }) => trial.status === 'Failed');
  const own = failed.find(({ trial }) => !isSagemakersOwn(trial.failureReason));
  const short = ended.filter((one) => wantedSpot(one));
  if (!own && short.length > 0) {
    const why = `${short.length} of ${ended.length} trials got no spot instances, or not for long enough`;
    return error(ErrorCode.SpotUnavailable, `${why}. It goes on on-demand.`);
  }
  const first = own ?? failed[0];
  if (first) {
    const { code, message } = await failureOf(dependencies, first.job);
    return error(code, `${failed.length} of ${ended.length} trials failed. The first: ${message}`);
  }
  const reason = job.FailureReason ?? 'no reason given';
  const silent = ended.filter(({ trial }) => trial.status === 'Completed').length;
  if (silent > 0) {
    const { metric } = objectiveOf(job);
    const advice = 'Check that the program prints what its regex in training.metrics matches.';
    return error(
      ErrorCode.TrainingFailed,
      `${silent} trials completed without a value of ${metric}. ${advice}`,
    );
  }
  const code = isSagemakersOwn(reason) ? ErrorCode.CapacityUnavailable : ErrorCode.TrainingFailed;
  return error(code, `no trial completed (${ended.length} were begun): ${reason}`);
}

/** Whether a trial ended for want of spot instances. */
const wantedSpot = ({ job }: EndedTrial): boolean =>
  job.EnableManagedSpotTraining === true &&
  (job.SecondaryStatus === 'MaxWaitTimeExceeded' || (job.FailureReason ?? '').startsWith('CapacityError'));
