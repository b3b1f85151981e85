import { defineSignal, setHandler } from '@temporalio/workflow';
import { tuningJobName } from '../../contracts/job-name';
import {
  TUNING_PROGRESS,
  type Search,
  type TuningOutcome,
  type TuningProgress,
  type TuningSpecification,
} from '../../contracts/tuning';
import { training, trainingWait } from './activities';
import { inAttempts, type Attempt } from './attempts';
import { runTags, specify, type JobRequest } from './training-job';

const tuningProgress = defineSignal<[TuningProgress]>(TUNING_PROGRESS);

interface TuningRequest extends JobRequest {
  search: Search;
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
  const { history, generation, onProgress } = request;
  const specification = specifySearch(request);
  const parts = {
    model: specification.training.model,
    label: request.label,
    runKey: request.runKey,
    step: 'train',
    specification,
    generation,
  };
  return inAttempts({
    doing: 'Tuning',
    spot: specification.training.spot !== undefined,
    history,
    onProgress,
    nameOf: (attempt) => tuningJobName({ ...parts, attempt }),
    run: (attempt) => search(attempt, specification),
    stop: (jobName) => trainingWait.stopTuningJob.executeWithOptions({ summary: jobName }, [{ jobName }]),
  });
}

/** Starts a search and waits for its end. */
async function search(
  { jobName, market, earlierJobs }: Attempt,
  specification: TuningSpecification,
): Promise<TuningOutcome> {
  await training.startTuningJob.executeWithOptions({ summary: `${jobName} (${market})` }, [
    { jobName, specification, market, tags: runTags() },
  ]);
  return trainingWait.awaitTuningJob.executeWithOptions({ summary: jobName }, [{ jobName, earlierJobs }]);
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
