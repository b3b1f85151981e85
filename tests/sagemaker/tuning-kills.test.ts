import { DeleteTrainingJobCommand } from '@aws-sdk/client-sagemaker';
import { until } from '../support/servers';
import { TestSagemaker, isAlive } from './environment';
import { TestTuning } from './tuning';

jest.setTimeout(180_000);

let sagemaker: TestSagemaker;
let tuning: TestTuning;
beforeAll(async () => {
  sagemaker = await TestSagemaker.start();
  tuning = new TestTuning(sagemaker);
});
afterAll(async () => sagemaker.stop());

describe('a kill of the service', () => {
  it('leaves no child behind, and none begins twice', async () => {
    await tuning.create('killed', {
      config: { ResourceLimits: { MaxNumberOfTrainingJobs: 7, MaxParallelTrainingJobs: 2 } },
      hold: true,
    });
    await until('two children', () => sagemaker.starts('killed').length === 2);
    const alive = sagemaker.starts('killed');
    await sagemaker.stopService('SIGKILL');
    expect(alive.every(isAlive)).toBe(true);
    await sagemaker.startService();
    expect((await tuning.describe('killed')).TrainingJobStatusCounters!.InProgress).toBe(2);
    sagemaker.release('killed');
    for (let kills = 0; kills < 5; kills++) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 700));
      await sagemaker.stopService('SIGKILL');
      await sagemaker.startService();
    }
    expect(await tuning.ended('killed')).toMatchObject({
      HyperParameterTuningJobStatus: 'Completed',
      TrainingJobStatusCounters: { Completed: 7 },
    });
    expect(sagemaker.starts('killed')).toHaveLength(7);
    expect(await tuning.children('killed')).toHaveLength(7);
  });

  it('while it stops a job stops all the same', async () => {
    await tuning.create('stopping', { hold: true });
    await until('two children', () => sagemaker.starts('stopping').length === 2);
    await tuning.stop('stopping');
    await sagemaker.stopService('SIGKILL');
    await sagemaker.startService();
    expect((await tuning.ended('stopping')).HyperParameterTuningJobStatus).toBe('Stopped');
    await until('the end of its programs', () => !sagemaker.starts('stopping').some(isAlive));
  });
});

describe('a child', () => {
  it('cannot be deleted while its search goes on', async () => {
    await tuning.create('kept', {
      hold: true,
      config: { ResourceLimits: { MaxNumberOfTrainingJobs: 1, MaxParallelTrainingJobs: 1 } },
    });
    await until('the child', () => sagemaker.starts('kept').length === 1);
    const [child] = await tuning.children('kept');
    const remove = new DeleteTrainingJobCommand({ TrainingJobName: child!.TrainingJobName });
    await expect(sagemaker.client.send(remove)).rejects.toMatchObject({ name: 'ResourceInUse' });
    sagemaker.release('kept');
    await tuning.ended('kept');
  });
});
