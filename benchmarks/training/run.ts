import { DescribeTrainingJobCommand, type DescribeTrainingJobResponse } from '@aws-sdk/client-sagemaker';
import type { RetrainModelInput } from '../../contracts/generated/types';
import { Key, WorkflowId } from '../../contracts/ids';
import type { MetricLine, TrainingReport } from '../../contracts/model';
import { TaskQueue } from '../../contracts/task-queues';
import { createSagemaker } from '../../platform/sagemaker';
import type { RetrainResult } from '../../workflows/retrain-model';
import type { Connected } from '../main/platform';

/** One training through `retrainModel`, as its workflow, its job and its program tell it. */
export interface Trained {
  workflowId: string;
  job: DescribeTrainingJobResponse;
  report: TrainingReport;
  /** By step, oldest first. */
  lines: MetricLine[];
}

/** Starts a retraining whose version nobody rolls out. @returns its workflow ID */
export async function startTraining(
  { client }: Connected,
  input: RetrainModelInput & { label: string },
): Promise<string> {
  const workflowId = WorkflowId.retrain(input.model, input.label);
  await client.workflow.start('retrainModel', {
    workflowId,
    taskQueue: TaskQueue.pipelines,
    args: [{ reason: 'benchmark', rollOutSteps: [], ...input }],
  });
  return workflowId;
}

export async function finishTraining(connected: Connected, workflowId: string): Promise<Trained> {
  const { client, store } = connected;
  const { version, jobName } = (await client.workflow.getHandle(workflowId).result()) as RetrainResult;
  const [, model] = workflowId.split('/') as [string, string];
  const prefix = Key.version(model, version);
  const lines = (await store.get(`${prefix}metrics.jsonl`)).toString('utf8').split('\n').filter(Boolean);
  return {
    workflowId,
    job: await describe(connected, jobName),
    report: await store.getJson<TrainingReport>(`${prefix}training.json`),
    lines: lines.map((line) => JSON.parse(line) as MetricLine),
  };
}

async function describe({ config }: Connected, jobName: string): Promise<DescribeTrainingJobResponse> {
  const sagemaker = createSagemaker(config.sagemaker);
  try {
    return await sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: jobName }));
  } finally {
    sagemaker.destroy();
  }
}
