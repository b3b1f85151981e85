import { writeFileSync } from 'node:fs';
import {
  CreateHyperParameterTuningJobCommand,
  DescribeHyperParameterTuningJobCommand,
  ListHyperParameterTuningJobsCommand,
} from '@aws-sdk/client-sagemaker';
import { CancelledFailure } from '@temporalio/common';
import { createTuningRequest } from '../../activities/sagemaker/tuning/request';
import { ErrorCode } from '../../contracts/errors';
import type { TrialReport, TuningProgress } from '../../contracts/tuning';
import { TestSagemaker } from '../sagemaker/environment';
import { until } from '../support/servers';
import { activityEnvironment, failureOf, Searches } from './searches';

jest.setTimeout(180_000);

let sagemaker: TestSagemaker;
let searches: Searches;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
  searches = new Searches(sagemaker);
  await searches.layDown();
});
afterAll(async () => sagemaker.stop());

const statusOf = async (jobName: string) => {
  const command = new DescribeHyperParameterTuningJobCommand({ HyperParameterTuningJobName: jobName });
  return (await sagemaker.client.send(command)).HyperParameterTuningJobStatus;
};

const KINDS = { type: 'categorical' as const, values: ['plain', 'bad'] };

describe('startTuningJob and awaitTuningJob', () => {
  it('search once, however often they are called, and go on with the best trial', async () => {
    const specification = searches.specification();
    const handles = await Promise.all([1, 2, 3, 4].map(() => searches.start('once', specification)));
    expect(handles.filter(({ adopted }) => !adopted)).toHaveLength(1);
    const outcome = await searches.await('once');
    expect(await searches.start('once', specification)).toEqual({ jobName: 'once', adopted: true });
    expect(await searches.await('once')).toEqual(outcome);

    const trials = await searches.trials('once');
    const values = trials.map((trial) => trial.FinalHyperParameterTuningJobObjectiveMetric!.Value!);
    const best = trials[values.indexOf(Math.max(...values))]!;
    expect(outcome).toMatchObject({
      jobName: best.TrainingJobName,
      artifactKey: `training/${best.TrainingJobName}/output/model.tar.gz`,
      metrics: { score: Math.max(...values) },
      tuning: {
        jobName: 'once',
        trials: { completed: 4, failed: 0, stopped: 0 },
        objective: { metric: 'score', goal: 'maximize', value: Math.max(...values) },
      },
    });
    const tried = JSON.parse((await sagemaker.unpack(outcome.artifactKey))('tried.json'));
    expect(outcome.tuning.hyperparameters).toEqual(tried);
    const jobs = await Promise.all(trials.map((trial) => sagemaker.describe(trial.TrainingJobName!)));
    const sum = (what: 'TrainingTimeInSeconds' | 'BillableTimeInSeconds') =>
      jobs.reduce((total, job) => total + job[what]!, 0);
    expect(outcome.trainingSeconds).toBe(sum('TrainingTimeInSeconds'));
    expect(outcome.billableSeconds).toBe(sum('BillableTimeInSeconds'));
    const report = await sagemaker.store.getJson<TrialReport>(outcome.tuning.trialsKey);
    expect(report.best).toBe(outcome.jobName);
    expect(report.trials.map(({ jobName, objective }) => [jobName, objective])).toEqual(
      trials.map((trial, index) => [trial.TrainingJobName, values[index]]),
    );
  });

  it('adopt a job whose creation was never answered, and no other of its name', async () => {
    const specification = searches.specification({ maxJobs: 1, maxParallelJobs: 1 });
    const request = { jobName: 'unanswered', specification };
    const { config, store, client } = sagemaker;
    await client.send(
      new CreateHyperParameterTuningJobCommand(createTuningRequest(request, config.sagemaker, store)),
    );
    expect(await searches.start('unanswered', specification)).toEqual({
      jobName: 'unanswered',
      adopted: true,
    });
    const other = searches.specification({ maxJobs: 2, maxParallelJobs: 1 });
    const error = await failureOf(searches.start('unanswered', other));
    expect(error.code).toBe(ErrorCode.JobNameTaken);
    expect(error.retryable).toBe(false);
    await searches.await('unanswered');
    const { HyperParameterTuningJobSummaries: all } = await client.send(
      new ListHyperParameterTuningJobsCommand({ NameContains: 'unanswered' }),
    );
    expect(all).toHaveLength(1);
  });

  it('let trials fail, and go on with the best of the others', async () => {
    const specification = searches.specification(
      { strategy: 'Grid', ranges: { kind: KINDS }, maxJobs: 2 },
      { x: 0.5, n: 5 },
    );
    await searches.start('some-fail', specification);
    const outcome = await searches.await('some-fail');
    expect(outcome.tuning).toMatchObject({
      trials: { completed: 1, failed: 1, stopped: 0 },
      hyperparameters: { kind: 'plain' },
    });
    const { trials } = await sagemaker.store.getJson<TrialReport>(outcome.tuning.trialsKey);
    const failed = trials.find(({ status }) => status === 'Failed');
    expect(failed).toMatchObject({ hyperparameters: { kind: 'bad' }, objective: null });
    expect(failed!.failureReason).toContain('ValueError: kind bad cannot be trained');
  });

  it('fail where no trial succeeds, with the reason and the log of the first', async () => {
    await searches.start('all-fail', searches.specification({ maxJobs: 2 }, { kind: 'bad' }));
    const error = await failureOf(searches.await('all-fail'));
    expect(error.code).toBe(ErrorCode.TrainingFailed);
    expect(error.retryable).toBe(false);
    expect(error.message).toContain('2 of 2 trials failed');
    expect(error.message).toContain('ValueError: kind bad cannot be trained');
    expect(error.message).toContain('kind=bad');
  });

  it('fail where no trial tells the objective, and say so', async () => {
    await searches.start('mute', searches.specification({ maxJobs: 2 }, { mute: 'yes' }));
    const error = await failureOf(searches.await('mute'));
    expect(error.code).toBe(ErrorCode.TrainingFailed);
    expect(error.message).toContain('score');
  });

  it('ask for another attempt where all trials fail for a reason of SageMaker’s own', async () => {
    await sagemaker.local('internal-errors', { failures: 2 });
    await searches.start('broken', searches.specification({ maxJobs: 2 }));
    const error = await failureOf(searches.await('broken'));
    expect(error.code).toBe(ErrorCode.CapacityUnavailable);
    expect(error.retryable).toBe(false);
  });

  it('tell an unknown job', async () => {
    expect((await failureOf(searches.await('never-started'))).code).toBe(ErrorCode.MissingObject);
  });
});

describe('awaitTuningJob, cancelled', () => {
  it('has told where the search is, and leaves nothing live behind', async () => {
    const release = searches.releaseFile('cancelled');
    await searches.start('cancelled', searches.specification({}, { release }));
    const environment = activityEnvironment();
    const heartbeats: TuningProgress[] = [];
    environment.on('heartbeat', (details: TuningProgress) => heartbeats.push(details));
    const waiting = searches.await('cancelled', environment);
    await until('two trials to run', () => heartbeats.at(-1)?.trials.running === 2);
    environment.cancel('CANCELLED');
    await expect(waiting).rejects.toBeInstanceOf(CancelledFailure);
    expect(heartbeats.some(({ phase }) => phase === 'tuning')).toBe(true);
    expect(await statusOf('cancelled')).toBe('Stopped');
    const trials = await searches.trials('cancelled');
    expect(trials.map(({ TrainingJobStatus }) => TrainingJobStatus)).toEqual(['Stopped', 'Stopped']);
    expect((await failureOf(searches.await('cancelled'))).code).toBe(ErrorCode.TrainingStopped);
  });
});

describe('stopTuningJob', () => {
  it('leaves a job that has ended, or never existed, as it is', async () => {
    await searches.start('ended', searches.specification({ maxJobs: 1, maxParallelJobs: 1 }));
    await searches.await('ended');
    await searches.stop('ended');
    await searches.stop('never-started');
    expect(await statusOf('ended')).toBe('Completed');
  });

  it('outlasts an outage of SageMaker', async () => {
    const release = searches.releaseFile('outage');
    await searches.start('outage', searches.specification({}, { release }));
    await until('a trial', async () => (await searches.trials('outage')).length > 0);
    await sagemaker.stopService('SIGKILL');
    const stopping = searches.stop('outage');
    await sagemaker.startService();
    await stopping;
    expect(await statusOf('outage')).toBe('Stopped');
    writeFileSync(release, '');
  });
});
