import { setTimeout as sleep } from 'node:timers/promises';
import { ListTrainingJobsCommand } from '@aws-sdk/client-sagemaker';
import { publishDeclaration } from '../../client/declarations';
import type { ModelDeclaration } from '../../contracts/model';
import { createSagemaker, readJobLog } from '../../platform/sagemaker';
import type { Connected } from '../main/platform';
import { row, type Row } from '../row';
import { finishTraining, startTraining } from './run';

const WHOLE_LOG = 1_000_000;
const CHECKPOINT = /^checkpoint at step (\d+)$/;
/** Not the first start's, which says besides that there was no checkpoint. */
const RESUMED = /^resumed from step (\d+)$/;
const STEP = /^\[(\d+)\] /;

/** What an interruption cost, as the log of the job tells it. */
export interface Recovery {
  /** Done before the interruption, and done again. */
  stepsLost: number;
  /** The most of those that were told of. */
  stepsBetweenCheckpoints: number;
}

/** Trains on spot with a checkpoint a second, has the instance taken away after the second one, and follows it to its end. */
export async function recoveryRows(connected: Connected, model: ModelDeclaration): Promise<Row[]> {
  const { training } = model;
  await publishDeclaration(connected.store, {
    ...model,
    training: {
      ...training,
      spot: { maxWaitSeconds: 2 * training.maxRuntimeSeconds },
      checkpoints: { everySeconds: 1 },
      hyperparameters: {
        ...training.hyperparameters,
        num_round: 4_000,
        early_stopping_rounds: 4_000,
        learning_rate: 0.001,
      },
    },
  });
  const workflowId = await startTraining(connected, { model: model.name, label: 'benchmark-interrupted' });
  const jobName = await newestJob(connected);
  const log = (): Promise<string[]> => readJobLog(connected.config.sagemaker, jobName, WHOLE_LOG);
  while ((await log()).filter((line) => CHECKPOINT.test(line)).length < 2) await sleep(100);
  while (numbers(await log(), CHECKPOINT).length < 2) await sleep(100);
  const interrupted = Date.now();
  await interrupt(connected, jobName);
  // Of a long log only the end is told: the new attempt's first lines are in it for a while.
  let lines: string[];
  while (!stepsAfterResume((lines = await log()))) await sleep(100);
  const seconds = (Date.now() - interrupted) / 1000;
  const { stepsLost, stepsBetweenCheckpoints } = recoveryOf(lines);
  await finishTraining(connected, workflowId);
  return [
    row({
      measure: `${model.name}: steps done again after a spot interruption (a checkpoint a second)`,
      unit: 'steps',
      value: stepsLost,
      atMost: stepsBetweenCheckpoints,
    }),
    row({
      measure: `${model.name}: from a spot interruption to the first new step`,
      unit: 's',
      value: seconds,
    }),
  ];
}

/** @throws Error where the log tells of no interruption after a checkpoint */
export function recoveryOf(log: readonly string[]): Recovery {
  const resumed = log.findIndex((line) => RESUMED.test(line));
  if (resumed < 0) throw new Error('The log tells of no interruption: expected a line "resumed from step".');
  const before = log.slice(0, resumed);
  const checkpoints = numbers(before, CHECKPOINT);
  if (checkpoints.length === 0)
    throw new Error('The log tells of no checkpoint before the interruption: expected one at least.');
  const done = Math.max(...numbers(before, STEP)) + 1;
  return {
    stepsLost: done - numbers([log[resumed]!], RESUMED)[0]!,
    stepsBetweenCheckpoints: Math.max(
      ...checkpoints.map((step, index) => step - (checkpoints[index - 1] ?? 0)),
    ),
  };
}

const numbers = (lines: readonly string[], pattern: RegExp): number[] =>
  lines.flatMap((line) => {
    const found = pattern.exec(line);
    return found ? [Number(found[1])] : [];
  });

function stepsAfterResume(log: readonly string[]): boolean {
  const resumed = log.findIndex((line) => RESUMED.test(line));
  return resumed >= 0 && log.slice(resumed).some((line) => STEP.test(line));
}

/** The job that is in progress, once it is there. */
async function newestJob({ config }: Connected): Promise<string> {
  const sagemaker = createSagemaker(config.sagemaker);
  try {
    for (;;) {
      const { TrainingJobSummaries } = await sagemaker.send(
        new ListTrainingJobsCommand({ StatusEquals: 'InProgress' }),
      );
      const [job] = TrainingJobSummaries ?? [];
      if (job) return job.TrainingJobName!;
      await sleep(200);
    }
  } finally {
    sagemaker.destroy();
  }
}

async function interrupt({ config }: Connected, jobName: string): Promise<void> {
  const answer = await fetch(
    new URL(`/_local/training-jobs/${encodeURIComponent(jobName)}/interrupt`, config.sagemaker.endpoint),
    { method: 'POST' },
  );
  if (!answer.ok)
    throw new Error(`Interrupting ${jobName}: answered ${answer.status} ${await answer.text()}`);
}
