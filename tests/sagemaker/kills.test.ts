import { until } from '../support/servers';
import { TestSagemaker, isAlive } from './environment';

jest.setTimeout(120_000);

let sagemaker: TestSagemaker;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
});
afterAll(async () => sagemaker.stop());

describe('a kill', () => {
  it('of the service neither kills nor forgets a job', async () => {
    await sagemaker.create(sagemaker.request('survives', { mode: 'wait' }));
    const pid = await sagemaker.running('survives');
    await sagemaker.stopService('SIGKILL');
    expect(isAlive(pid)).toBe(true);
    await sagemaker.startService();
    expect((await sagemaker.describe('survives')).TrainingJobStatus).toBe('InProgress');
    sagemaker.release('survives');
    expect((await sagemaker.ended('survives')).TrainingJobStatus).toBe('Completed');
    expect(sagemaker.starts('survives')).toEqual([pid]);
    await expect(sagemaker.create(sagemaker.request('survives'))).rejects.toMatchObject({
      name: 'ResourceInUse',
    });
  });

  it('of the service lets a job end that ends meanwhile', async () => {
    await sagemaker.create(sagemaker.request('meanwhile', { mode: 'wait' }));
    await sagemaker.running('meanwhile');
    await sagemaker.stopService('SIGKILL');
    sagemaker.release('meanwhile');
    await until('the artifact', () => sagemaker.store.head('training/meanwhile/output/model.tar.gz'));
    await sagemaker.startService();
    expect((await sagemaker.ended('meanwhile')).TrainingJobStatus).toBe('Completed');
  });

  it('of the service between a creation and the start of its supervisor loses no job', async () => {
    await sagemaker.stopService('SIGKILL');
    const request = sagemaker.request('created-only');
    sagemaker.writeRecord({ ...sagemaker.record('survives'), name: 'created-only', request });
    await sagemaker.startService();
    expect((await sagemaker.ended('created-only')).TrainingJobStatus).toBe('Completed');
    expect(await sagemaker.store.head('training/created-only/output/model.tar.gz')).not.toBeNull();
  });

  it('of the supervisor ends the job as SageMaker’s own failure, and its program with it', async () => {
    await sagemaker.create(sagemaker.request('orphan', { mode: 'wait' }));
    const pid = await sagemaker.running('orphan');
    process.kill(sagemaker.supervisor('orphan'), 'SIGKILL');
    const job = await sagemaker.ended('orphan');
    expect(job.TrainingJobStatus).toBe('Failed');
    expect(job.FailureReason).toBe(
      'InternalServerError: We encountered an internal error. Please try again.',
    );
    await until('the end of the program', () => !isAlive(pid));
  });

  it('that a supervisor hears of ends its program first', async () => {
    await sagemaker.create(sagemaker.request('going-down', { mode: 'stubborn' }));
    const pid = await sagemaker.running('going-down');
    process.kill(sagemaker.supervisor('going-down'), 'SIGTERM');
    const job = await sagemaker.ended('going-down');
    expect(job.FailureReason).toMatch(/^InternalServerError: /);
    expect(isAlive(pid)).toBe(false);
  });

  it('of both is noticed by the next service', async () => {
    await sagemaker.create(sagemaker.request('both', { mode: 'wait' }));
    const pid = await sagemaker.running('both');
    const supervisor = sagemaker.supervisor('both');
    await sagemaker.stopService('SIGKILL');
    process.kill(supervisor, 'SIGKILL');
    await sagemaker.startService();
    expect((await sagemaker.ended('both')).FailureReason).toMatch(/^InternalServerError: /);
    await until('the end of the program', () => !isAlive(pid));
  });

  it('of S3 only delays a job', async () => {
    await sagemaker.create(sagemaker.request('s3-away', { mode: 'wait' }));
    await sagemaker.running('s3-away');
    await sagemaker.s3.stop('SIGKILL');
    sagemaker.release('s3-away');
    await until(
      'the upload',
      async () => (await sagemaker.describe('s3-away')).SecondaryStatus === 'Uploading',
    );
    await sagemaker.s3.start();
    expect((await sagemaker.ended('s3-away')).TrainingJobStatus).toBe('Completed');
  });

  it('at any moment leaves at most one live program, and none once the job has ended', async () => {
    for (const round of [1, 2, 3, 4, 5]) {
      const name = `any-moment-${round}`;
      const moments: string[] = [];
      await sagemaker.create({
        ...sagemaker.request(name, { mode: 'wait' }),
        RetryStrategy: { MaximumRetryAttempts: 30 },
      });
      for (const victim of ['service', 'supervisor', 'both'].slice(0, 1 + (round % 3))) {
        const moment = Math.random() * 700;
        moments.push(`${victim} after ${Math.round(moment)} ms`);
        await new Promise((resolve) => setTimeout(resolve, moment));
        if (victim !== 'supervisor') await sagemaker.stopService('SIGKILL');
        if (victim !== 'service') killSupervisor(name);
        if (victim !== 'supervisor') await sagemaker.startService();
      }
      sagemaker.release(name);
      const job = await sagemaker.ended(name);
      const live = sagemaker.starts(name).filter(isAlive);
      expect({ moments, status: job.TrainingJobStatus, live }).toMatchObject({
        status: 'Completed',
        live: [],
      });
      const trained = job.SecondaryStatusTransitions!.filter(({ Status }) => Status === 'Training');
      expect(sagemaker.starts(name).length).toBeLessThanOrEqual(trained.length);
    }
  });
});

/** One that has not begun, or has ended, is left alone. */
function killSupervisor(name: string): void {
  try {
    process.kill(sagemaker.supervisor(name), 'SIGKILL');
  } catch {
    // There is none at this moment.
  }
}
