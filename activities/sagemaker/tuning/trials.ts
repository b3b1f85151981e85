import {
  DescribeTrainingJobCommand,
  ListTrainingJobsForHyperParameterTuningJobCommand,
  type DescribeTrainingJobResponse,
  type HyperParameterTrainingJobSummary,
  type SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import type { JobCost } from '../../../contracts/training';
import type { HyperparameterValue, Trial } from '../../../contracts/tuning';
import { limit } from '../../../platform/concurrency';
import { jobCost } from '../cost';
import { translate } from '../errors';
import { readPrices } from '../prices';
import type { SagemakerDependencies } from '../start';

type Summary = HyperParameterTrainingJobSummary;

const PAGE = 100;
const READS_IN_FLIGHT = 4;

/** A trial that has ended, the job that carried it out, and what that took. */
export interface EndedTrial {
  trial: Trial;
  job: DescribeTrainingJobResponse;
  cost: JobCost;
}

/** The trials of a tuning job that has ended, oldest first, with what only their jobs tell. */
export async function readTrials(
  { sagemaker, prices = readPrices() }: SagemakerDependencies,
  tuningJob: string,
): Promise<EndedTrial[]> {
  const inFlight = limit(READS_IN_FLIGHT);
  const summaries = await listTrials(sagemaker, tuningJob);
  return Promise.all(
    summaries.map((summary) =>
      inFlight(async () => {
        const job = await describe(sagemaker, summary.TrainingJobName!);
        return { trial: trialOf(summary, job), job, cost: jobCost(job, prices) };
      }),
    ),
  );
}

/** The training jobs of a tuning job, oldest first. */
export async function listTrials(sagemaker: SageMakerClient, tuningJob: string): Promise<Summary[]> {
  const found: Summary[] = [];
  let NextToken: string | undefined;
  do {
    const page = await sagemaker
      .send(
        new ListTrainingJobsForHyperParameterTuningJobCommand({
          HyperParameterTuningJobName: tuningJob,
          MaxResults: PAGE,
          SortBy: 'CreationTime',
          SortOrder: 'Ascending',
          NextToken,
        }),
      )
      .catch((error: unknown) => {
        throw translate(error, `listing the trials of tuning job ${tuningJob}`);
      });
    found.push(...(page.TrainingJobSummaries ?? []));
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

export const isLive = ({ TrainingJobStatus: status }: Summary): boolean =>
  status === 'InProgress' || status === 'Stopping';

/** Null where the trial wrote no value of the objective, or has not ended. */
const objectiveOf = ({ FinalHyperParameterTuningJobObjectiveMetric: final }: Summary): number | null =>
  final?.Value ?? null;

/** What was searched, as it was declared: values travel as JSON, as every hyperparameter does. */
export const searchedOf = ({ TunedHyperParameters = {} }: Pick<Summary, 'TunedHyperParameters'>) =>
  Object.fromEntries(Object.entries(TunedHyperParameters).map(([name, text]) => [name, readValue(text)]));

function readValue(text: string): HyperparameterValue {
  try {
    return JSON.parse(text) as HyperparameterValue;
  } catch {
    return text;
  }
}

function trialOf(summary: Summary, job: DescribeTrainingJobResponse): Trial {
  return {
    jobName: job.TrainingJobName!,
    status: job.TrainingJobStatus as Trial['status'],
    hyperparameters: searchedOf(summary),
    objective: objectiveOf(summary),
    trainingSeconds: job.TrainingTimeInSeconds ?? 0,
    billableSeconds: job.BillableTimeInSeconds ?? 0,
    startedAt: (job.TrainingStartTime ?? job.CreationTime!).toISOString(),
    endedAt: (job.TrainingEndTime ?? job.LastModifiedTime!).toISOString(),
    failureReason: job.FailureReason ?? null,
  };
}

const describe = (sagemaker: SageMakerClient, jobName: string): Promise<DescribeTrainingJobResponse> =>
  sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: jobName })).catch((error: unknown) => {
    throw translate(error, `reading trial ${jobName}`);
  });
