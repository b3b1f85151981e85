import { existsSync, readdirSync, readFileSync } from 'node:fs';
import {
  DescribeTrainingJobCommand,
  ListHyperParameterTuningJobsCommand,
  ListTrainingJobsCommand,
  ListTrainingJobsForHyperParameterTuningJobCommand,
  type SageMakerClient,
} from '@aws-sdk/client-sagemaker';

/** A job's life, in epoch milliseconds; one that has not ended has no end. */
export interface Life {
  name: string;
  status: string;
  begun: number;
  ended: number;
}

/** The training jobs of a run that are not trials of a search. */
export async function trainingLives(sagemaker: SageMakerClient, text: string): Promise<Life[]> {
  const { TrainingJobSummaries } = await sagemaker.send(
    new ListTrainingJobsCommand({ NameContains: text, MaxResults: 100 }),
  );
  const jobs = await Promise.all(
    TrainingJobSummaries!.map(({ TrainingJobName }) =>
      sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName })),
    ),
  );
  return jobs
    .filter(({ TuningJobArn }) => TuningJobArn === undefined)
    .map((job) =>
      lifeOf(job.TrainingJobName!, job.TrainingJobStatus!, job.CreationTime!, job.TrainingEndTime),
    );
}

export async function tuningLives(sagemaker: SageMakerClient, text: string): Promise<Life[]> {
  const { HyperParameterTuningJobSummaries: all } = await sagemaker.send(
    new ListHyperParameterTuningJobsCommand({ NameContains: text, MaxResults: 100 }),
  );
  return all!.map((job) =>
    lifeOf(
      job.HyperParameterTuningJobName!,
      job.HyperParameterTuningJobStatus!,
      job.CreationTime!,
      job.HyperParameterTuningEndTime,
    ),
  );
}

export async function trialLives(sagemaker: SageMakerClient, tuningJob: string): Promise<Life[]> {
  const { TrainingJobSummaries } = await sagemaker.send(
    new ListTrainingJobsForHyperParameterTuningJobCommand({
      HyperParameterTuningJobName: tuningJob,
      MaxResults: 100,
    }),
  );
  return TrainingJobSummaries!.map((job) =>
    lifeOf(job.TrainingJobName!, job.TrainingJobStatus!, job.CreationTime!, job.TrainingEndTime),
  );
}

const LIVE: ReadonlySet<string> = new Set(['InProgress', 'Stopping']);

function lifeOf(name: string, status: string, begun: Date, end: Date | undefined): Life {
  const ended = LIVE.has(status) ? Number.POSITIVE_INFINITY : (end ?? begun).getTime();
  return { name, status, begun: begun.getTime(), ended };
}

/** How many were live at a time, at most. */
export function mostAtATime(lives: readonly Life[]): number {
  const live = (moment: number) =>
    lives.filter(({ begun, ended }) => begun <= moment && moment < ended).length;
  return Math.max(0, ...lives.map(({ begun }) => live(begun)));
}

/** Processes that do the jobs of the SageMaker in that folder: supervisors and programs (where `/proc` tells). */
export function jobProcesses(home: string): string[] {
  if (!existsSync('/proc/self')) return [];
  const mark = `${home}/sagemaker/jobs`;
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .flatMap((pid) => {
      const [command, environment] = ['cmdline', 'environ'].map((file) => read(`/proc/${pid}/${file}`));
      return command!.includes(mark) || environment!.includes(mark)
        ? [`${pid} ${command!.replaceAll('\0', ' ')}`]
        : [];
    });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // ended meanwhile
  }
}
