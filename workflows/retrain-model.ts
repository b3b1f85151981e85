import { executeChild, ParentClosePolicy, patched, startChild, workflowInfo } from '@temporalio/workflow';
import { inDollars } from '../contracts/cost';
import type { Provenance } from '../contracts/decision';
import type { Verdict } from '../contracts/evaluation';
import { headlineOf } from '../contracts/gate-rules';
import { validateRetrainModelInput } from '../contracts/generated/validators';
import type { RetrainModelInput } from '../contracts/generated/types';
import { WorkflowId } from '../contracts/ids';
import type { Occupancy } from '../contracts/limits';
import type { ModelDeclaration } from '../contracts/model';
import type { TrainingCost, TrainingOutcome } from '../contracts/training';
import { searchOf, type Search, type TuningSummary } from '../contracts/tuning';
import { notifications, registration, registry, release } from './shared/activities';
import type { TrainingHistory } from './shared/attempts';
import { buildDataset } from './shared/build-dataset';
import { billAfter, estimateBefore } from './shared/cost';
import { unlessCancelled } from './shared/failure';
import { asFailure, parseInput } from './shared/input';
import { limited } from './shared/limited';
import { lastCompleteDay, pacificDate } from './shared/pacific-date';
import { Run } from './shared/run';
import { tellingItsEnd, type TrainingStory } from './shared/training-end';
import { runTrainingJob } from './shared/training-job';
import { runTuningJob } from './shared/tuning-job';
import { tagVersion } from './shared/tag-version';
import type { EvaluateResult, evaluateModel } from './evaluate-model';
import type { rollOutModel } from './roll-out-model';

export interface RetrainResult {
  version: string;
  snapshot: string;
  jobName: string;
  /** What the training took, over all its jobs. */
  cost?: TrainingCost;
  /** What was searched, where the run tuned. */
  tuning?: TuningSummary;
  verdict: Verdict;
  /** Point values on the held-out rows. */
  metrics: Record<string, number>;
  /** The workflow that rolls the version out; null where the gate did not pass. */
  rollOut: string | null;
}

/**
 * Trains a new version of a model: from labels and features to a version in Staging with its verdict, handed to
 * `rollOutModel` where the gate passes.
 */
export async function retrainModel(raw: unknown): Promise<RetrainResult> {
  const input = parseInput<RetrainModelInput>(validateRetrainModelInput, 'retrainModel', raw);
  return tellingItsEnd(input, (story) => retrain(input, story));
}

async function retrain(input: RetrainModelInput, story: TrainingStory): Promise<RetrainResult> {
  const { model, trigger = 'person', reason = '' } = input;
  const { workflowId, firstExecutionRunId, runId, startTime } = workflowInfo();
  const runKey = `${workflowId}/${firstExecutionRunId}`;
  const { asOf = lastCompleteDay(startTime), label = pacificDate(startTime) } = input;

  const run = new Run(`Retrain ${model} on data up to ${asOf}`, { model, trigger });

  const resolved = await run.step(
    'declare',
    { doing: 'Reading the declaration', done: (r) => `declaration ${r.hash.slice(0, 12)}…` },
    () => registry.resolveDeclaration({ model }),
  );
  const { declaration } = resolved;
  const search = searchFor(input, declaration);

  const snapshot = await buildDataset(run, resolved, asOf);
  // A run that began before costs were estimated and limits asked goes on without either.
  const asks = patched('estimates-and-limits');
  const estimate = asks ? await estimateBefore(run, declaration, search) : null;
  story.estimate = estimate;
  const history: TrainingHistory = { jobs: [] };
  const onProgress = (text: string): void => run.progress(text);
  const outcome = await run.step<TrainingOutcome>(
    'train',
    {
      doing: search ? 'Tuning' : 'Training',
      done: describeTraining,
    },
    (generation) => {
      const { hyperparameters = {} } = input;
      const about = { resolved, snapshot, label, runKey, hyperparameters, generation };
      const request = { ...about, history, onProgress };
      const train = () => (search ? runTuningJob({ ...request, search }) : runTrainingJob(request));
      if (!asks) return train();
      const job = occupancyOf(declaration, search);
      const onTurn = (): void => onProgress(search ? 'Tuning' : 'Training');
      return limited({ job, holder: `${runKey}/train/g${generation}`, onWait: onProgress, onTurn }, train);
    },
  );
  story.outcome = outcome;
  if (estimate) await billAfter(run, declaration, outcome, estimate);

  const provenance: Provenance = {
    declarationHash: resolved.hash,
    codeHash: resolved.code.hash,
    source: resolved.source,
    snapshot: snapshot.snapshot,
    jobName: outcome.jobName,
    workflowId,
    runId,
    trigger,
    reason,
  };
  const version = await run.step('version', { doing: 'Asking for a version', done: (v) => v }, () =>
    release.allocateVersion({
      model,
      allocation: {
        runKey,
        schemaVersion: declaration.schemaVersion,
      },
    }),
  );
  tagVersion(version);
  story.version = version;
  const served = await run.step(
    'package',
    { doing: 'Packaging the artifact', done: (s) => `${s.artifactKey}, sha256 ${s.sha256.slice(0, 12)}…` },
    () => registry.packageVersion({ model, version, outcome, provenance }),
  );
  const { runId: mlflowRun, experimentId } = await run.step(
    'register',
    { doing: 'Logging and registering in MLflow', done: (r) => `MLflow version ${r.mlflowVersion}, Staging` },
    () => registration.registerVersion({ declaration, served, outcome, provenance, estimate }),
  );
  story.mlflow = experimentId ? { experimentId, runId: mlflowRun } : null;
  const { tuning } = outcome;
  if (tuning) {
    await run.step(
      'trials',
      { doing: 'Logging the trials in MLflow', done: ({ trials }) => `${trials} child runs` },
      () => registry.logTrials({ trialsKey: tuning.trialsKey, runId: mlflowRun }),
    );
  }

  const evaluation = await run.step(
    'evaluate',
    {
      doing: `Evaluating, in ${WorkflowId.evaluate(model, version)} (where it parks if it must)`,
      done: (e) => describeVerdict(e, headlineOf(declaration)),
    },
    () =>
      executeChild<typeof evaluateModel>('evaluateModel', {
        workflowId: WorkflowId.evaluate(model, version),
        args: [{ model, version, trigger }],
        staticSummary: `Evaluate ${version} against what serves`,
      }),
  );
  story.verdict = evaluation.verdict;
  story.metrics = evaluation.metrics;
  const rollOut = await run.step(
    'hand over',
    {
      doing: 'Handing over to the roll-out',
      done: (id) => id ?? `verdict ${evaluation.verdict}: stays in Staging`,
    },
    () => handOver(input, version, evaluation.verdict),
  );
  const { jobName, cost } = outcome;
  return { version, snapshot: snapshot.snapshot, jobName, cost, tuning, ...evaluation, rollOut };
}

/** What the training occupies while it runs: trials run side by side. */
const occupancyOf = ({ owner, training }: ModelDeclaration, search: Search | null): Occupancy => ({
  team: owner,
  instanceType: training.instanceType,
  instances: training.instanceCount * (search?.maxParallelJobs ?? 1),
});

/** What is searched before the version is made; null where this run only trains. */
function searchFor(
  { tune, hyperparameters = {} }: RetrainModelInput,
  declaration: ModelDeclaration,
): Search | null {
  if (!(tune ?? declaration.training.tuning?.when === 'always')) return null;
  try {
    return searchOf(declaration, Object.keys(hyperparameters));
  } catch (error) {
    throw asFailure(error);
  }
}

function describeTraining({
  jobName,
  trainingSeconds,
  billableSeconds,
  cost,
  tuning,
}: TrainingOutcome): string {
  const seconds = `${trainingSeconds} s of training, ${billableSeconds} s billable${cost ? describeCost(cost) : ''}`;
  if (!tuning) return `job ${jobName}: ${seconds}`;
  const { trials, objective } = tuning;
  const all = trials.completed + trials.failed + trials.stopped;
  return `job ${jobName}, the best of ${all} trials of ${tuning.jobName} (${objective.metric} ${objective.value}): ${seconds} in all`;
}

function describeVerdict({ verdict, metrics }: EvaluateResult, headline: string | null): string {
  const value = headline === null ? undefined : metrics[headline];
  return `verdict **${verdict}**${value === undefined ? '' : `, ${headline} ${value.toFixed(4)}`}`;
}

function describeCost({ jobs, spotSavingPercent, dollars }: TrainingCost): string {
  const saved =
    spotSavingPercent !== null && jobs.some(({ market }) => market === 'spot')
      ? ` (${spotSavingPercent.toFixed(0)} % saved by spot)`
      : '';
  const attempts = jobs.length > 1 ? `, in ${jobs.length} jobs` : '';
  const price = dollars === null ? 'at a price that is not known' : inDollars(dollars);
  return `${saved}${attempts}, ${price}`;
}

/** Starts the roll-out as an abandoned child, so that it outlives this run; a verdict short of a pass stays in Staging. */
async function handOver(input: RetrainModelInput, version: string, verdict: Verdict): Promise<string | null> {
  const { model, trigger, reason, rollOutSteps } = input;
  // The end of a run tells its verdict; a run that began before it did tells that by itself.
  if (verdict !== 'pass' && !patched('end-tells-the-verdict')) {
    const evaluation = WorkflowId.evaluate(model, version);
    await notifications
      .notifyVerdict({ model, version, verdict, workflowId: evaluation })
      .catch(unlessCancelled);
  }
  if (verdict !== 'pass') return null;
  const workflowId = WorkflowId.rollOut(model, version);
  await startChild<typeof rollOutModel>('rollOutModel', {
    workflowId,
    args: [
      {
        model,
        version,
        by: workflowInfo().workflowId,
        reason,
        trigger,
        ...(rollOutSteps && { steps: rollOutSteps }),
      },
    ],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `Roll out ${version}`,
  });
  return workflowId;
}
