import {
  CreateHyperParameterTuningJobCommand,
  DescribeHyperParameterTuningJobCommand,
  ListTrainingJobsForHyperParameterTuningJobCommand,
  StopHyperParameterTuningJobCommand,
  type CreateHyperParameterTuningJobRequest,
  type HyperParameterTrainingJobSummary,
  type HyperParameterTuningJobConfig,
} from '@aws-sdk/client-sagemaker';
import { until } from '../support/servers';
import type { TestSagemaker } from './environment';

export interface Search {
  config?: Partial<HyperParameterTuningJobConfig>;
  /** Hyperparameters that are not searched. */
  fixed?: Record<string, string>;
  /** Whether the programs wait until the test lets them go on. */
  hold?: boolean;
}

export const X = { Name: 'x', MinValue: '0', MaxValue: '1' };
export const N = { Name: 'n', MinValue: '1', MaxValue: '10' };

/** Tuning jobs of the program `search.py`. */
export class TestTuning {
  constructor(private readonly sagemaker: TestSagemaker) {}

  request(name: string, { config, fixed, hold }: Search = {}): CreateHyperParameterTuningJobRequest {
    const training = this.sagemaker.request(name);
    const { TrainingJobName: _, HyperParameters, Environment, AlgorithmSpecification, ...rest } = training;
    return {
      HyperParameterTuningJobName: name,
      HyperParameterTuningJobConfig: {
        Strategy: 'Random',
        ResourceLimits: { MaxNumberOfTrainingJobs: 4, MaxParallelTrainingJobs: 2 },
        HyperParameterTuningJobObjective: { Type: 'Maximize', MetricName: 'score' },
        ParameterRanges: { ContinuousParameterRanges: [X], IntegerParameterRanges: [N] },
        RandomSeed: 1,
        ...config,
      },
      TrainingJobDefinition: {
        ...rest,
        StoppingCondition: rest.StoppingCondition,
        OutputDataConfig: rest.OutputDataConfig,
        RoleArn: rest.RoleArn,
        AlgorithmSpecification: {
          TrainingImage: AlgorithmSpecification!.TrainingImage,
          TrainingInputMode: 'File',
          MetricDefinitions: [{ Name: 'score', Regex: 'score=([-0-9.e]+)' }],
        },
        StaticHyperParameters: { ...HyperParameters, sagemaker_program: '"search.py"', ...fixed },
        Environment: { ...Environment, ...(hold && { HOLD: '1' }) },
      },
      Tags: [{ Key: 'model', Value: 'churn' }],
    };
  }

  create(name: string, search?: Search) {
    return this.sagemaker.client.send(new CreateHyperParameterTuningJobCommand(this.request(name, search)));
  }

  describe(name: string) {
    return this.sagemaker.client.send(
      new DescribeHyperParameterTuningJobCommand({ HyperParameterTuningJobName: name }),
    );
  }

  stop(name: string) {
    return this.sagemaker.client.send(
      new StopHyperParameterTuningJobCommand({ HyperParameterTuningJobName: name }),
    );
  }

  ended(name: string) {
    return until(
      `the end of ${name}`,
      async () => {
        const job = await this.describe(name);
        return !['InProgress', 'Stopping'].includes(job.HyperParameterTuningJobStatus!) && job;
      },
      120_000,
    );
  }

  async children(name: string, query = {}): Promise<HyperParameterTrainingJobSummary[]> {
    const HyperParameterTuningJobName = name;
    const found: HyperParameterTrainingJobSummary[] = [];
    let NextToken: string | undefined;
    do {
      const page = await this.sagemaker.client.send(
        new ListTrainingJobsForHyperParameterTuningJobCommand({
          HyperParameterTuningJobName,
          ...query,
          NextToken,
        }),
      );
      found.push(...page.TrainingJobSummaries!);
      NextToken = page.NextToken;
    } while (NextToken);
    return found;
  }
}

export const tuned = (job: HyperParameterTrainingJobSummary) => job.TunedHyperParameters!;
export const valueOf = (job: HyperParameterTrainingJobSummary) =>
  job.FinalHyperParameterTuningJobObjectiveMetric?.Value;
