import { DescribeTrainingJobCommand } from '@aws-sdk/client-sagemaker';
import type { Day } from '../../contracts/days';
import type { RetrainModelInput } from '../../contracts/generated/types';
import { WorkflowId } from '../../contracts/ids';
import { TaskQueue } from '../../contracts/task-queues';
import { createSagemaker } from '../../platform/sagemaker';
import type { RetrainResult } from '../../workflows/retrain-model';
import { row, type Row } from '../row';
import { median } from '../statistics';
import type { Connected } from './platform';
import { runTimes } from './step-times';

const ORCHESTRATION_SECONDS = 15;

/** Where the time of one retraining went, its roll-out included. */
export interface Retraining {
  /** Seconds by step, named by workflow and step. */
  steps: Map<string, number>;
  wallSeconds: number;
  /** Inside the training job, as SageMaker tells it. */
  jobSeconds: number;
}

/** Retrains a model on the data up to that day, and follows it until every inference worker serves the version. */
export async function retrain({ client, config }: Connected, model: string, asOf: Day): Promise<Retraining> {
  const label = `benchmark-${asOf}`;
  const workflowId = WorkflowId.retrain(model, label);
  const input: RetrainModelInput = { model, label, asOf, reason: 'benchmark', rollOutSteps: [] };
  const { jobName, rollOut, verdict } = (await client.workflow.execute('retrainModel', {
    workflowId,
    taskQueue: TaskQueue.pipelines,
    args: [input],
  })) as RetrainResult;
  if (!rollOut) throw new Error(`${workflowId}: verdict ${verdict}; expected one that is rolled out.`);
  await client.workflow.getHandle(rollOut).result();

  const [retraining, rollingOut] = [await runTimes(client, workflowId), await runTimes(client, rollOut)];
  const named = (workflow: string, steps: Map<string, number>) =>
    [...steps].map(([step, seconds]): [string, number] => [`${workflow}: ${step}`, seconds]);
  return {
    steps: new Map([...named('retrainModel', retraining.steps), ...named('rollOutModel', rollingOut.steps)]),
    wallSeconds: (rollingOut.endedAt.getTime() - retraining.startedAt.getTime()) / 1000,
    jobSeconds: await secondsInJob(config, jobName),
  };
}

async function secondsInJob({ sagemaker: config }: Connected['config'], jobName: string): Promise<number> {
  const sagemaker = createSagemaker(config);
  try {
    const job = await sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: jobName }));
    return (job.TrainingEndTime!.getTime() - job.TrainingStartTime!.getTime()) / 1000;
  } finally {
    sagemaker.destroy();
  }
}

/** Medians over several retrainings of the same steps. */
export function retrainingRows(runs: readonly Retraining[]): Row[] {
  const seconds = (measure: string, of: (run: Retraining) => number, atMost?: number): Row =>
    row({ measure, unit: 's', value: median(runs.map(of)), atMost });
  const steps = [...(runs[0]?.steps.keys() ?? [])];
  return [
    ...steps.map((step) => seconds(step, (run) => run.steps.get(step)!)),
    seconds('retraining, from its start until the version serves', ({ wallSeconds }) => wallSeconds),
    seconds('inside the training job', ({ jobSeconds }) => jobSeconds),
    seconds(
      'orchestration: retraining less training job',
      ({ wallSeconds, jobSeconds }) => wallSeconds - jobSeconds,
      ORCHESTRATION_SECONDS,
    ),
  ];
}
