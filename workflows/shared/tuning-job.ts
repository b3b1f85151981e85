import { CancellationScope, CancelledFailure, defineSignal, setHandler } from '@temporalio/workflow';
import { ErrorCode } from '../../contracts/errors';
import { tuningJobName } from '../../contracts/job-name';
import {
  TUNING_PROGRESS,
  type Search,
  type TuningOutcome,
  type TuningProgress,
  type TuningSpecification,
} from '../../contracts/tuning';
import { training, trainingWait } from './activities';
import { summarize } from './failure';
import { ATTEMPTS, specify, type TrainingRequest } from './training-job';

const tuningProgress = defineSignal<[TuningProgress]>(TUNING_PROGRESS);

interface TuningRequest extends TrainingRequest {
  search: Search;
  /** Told, in words, where the search is. */
  onProgress(text: string): void;
}

/**
 * One search for hyperparameters, as at most one live tuning job: named, adopted, tried again and cancelled as a training
 * job is. The outcome is that of its best trial.
 */
export async function runTuningJob(request: TuningRequest): Promise<TuningOutcome> {
  setHandler(tuningProgress, (progress) => request.onProgress(describe(progress, request.search)));
  try {
    return await tune(request);
  } finally {
    // A last message may come late, when the run is further.
    setHandler(tuningProgress, () => undefined);
  }
}

async function tune(request: TuningRequest): Promise<TuningOutcome> {
  const specification = specifySearch(request);
  const { model } = specification.training;
  for (let attempt = 1; ; attempt += 1) {
    const jobName = tuningJobName({
      model,
      label: request.label,
      runKey: request.runKey,
      step: 'train',
      specification,
      generation: request.generation,
      attempt,
    });
    try {
      await training.startTuningJob.executeWithOptions({ summary: jobName }, [{ jobName, specification }]);
      return await trainingWait.awaitTuningJob.executeWithOptions({ summary: jobName }, [{ jobName }]);
    } catch (error) {
      if (CancellationScope.current().consideredCancelled) return await stopAndCancel(jobName);
      if (summarize(error).type !== ErrorCode.CapacityUnavailable || attempt === ATTEMPTS) throw error;
    }
  }
}

/** A cancelled activity is not retried, whatever it died of: the job may be there, and running, all the same. */
async function stopAndCancel(jobName: string): Promise<never> {
  await CancellationScope.nonCancellable(() =>
    trainingWait.stopTuningJob.executeWithOptions({ summary: jobName }, [{ jobName }]),
  );
  throw new CancelledFailure(`tuning job ${jobName} was cancelled and does not run.`);
}

function specifySearch(request: TuningRequest): TuningSpecification {
  const { search } = request;
  const specification = specify(request);
  const fixed = Object.entries(specification.hyperparameters).filter(([name]) => !(name in search.ranges));
  return { training: { ...specification, hyperparameters: Object.fromEntries(fixed) }, search };
}

function describe({ phase, jobName, trials, best, seconds }: TuningProgress, search: Search): string {
  const ended = trials.completed + trials.failed + trials.stopped;
  const failed = trials.failed > 0 ? `, ${trials.failed} of them failed` : '';
  const { metric } = search.objective;
  const found = best
    ? `; best so far ${metric} ${best.value} in ${best.jobName} (${inWords(best.hyperparameters)})`
    : '';
  return (
    `${phase === 'stopping' ? 'Stopping' : 'Tuning'} (${search.strategy}): job ${jobName}, ${seconds} s, ` +
    `${ended} of ${search.maxJobs} trials ended${failed}, ${trials.running} running${found}`
  );
}

const inWords = (hyperparameters: object): string =>
  Object.entries(hyperparameters)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
