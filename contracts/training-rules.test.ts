import type { ModelDeclaration } from './model';
import { MeridianError } from './errors';
import { checkDeclaredTraining, checkSpecification, LONG_SPOT_SECONDS } from './training-rules';

type Training = ModelDeclaration['training'];

const training: Training = {
  program: 'train.py',
  image: 'torch',
  instanceType: 'ml.g5.xlarge',
  instanceCount: 1,
  volumeGb: 10,
  maxRuntimeSeconds: 2 * LONG_SPOT_SECONDS,
  hyperparameters: {},
  metrics: [],
};
const spot = { maxWaitSeconds: 4 * LONG_SPOT_SECONDS };

/** The fields that are refused, of the declaration and of the job alike. */
function refused(change: Partial<Training>): string[] {
  const changed = { ...training, ...change };
  const fieldsOf = (check: () => void): string[] => {
    try {
      check();
    } catch (error) {
      if (!(error instanceof MeridianError) || error.code !== 'InvalidInput' || error.retryable) throw error;
      return error.fields.map(({ field }) => field);
    }
    return [];
  };
  const declared = fieldsOf(() =>
    checkDeclaredTraining({ name: 'm', training: changed } as ModelDeclaration),
  );
  const ofJob = fieldsOf(() => checkSpecification('training job j', changed));
  const ofChannels = declared.filter((field) => field.startsWith('training.channels'));
  expect([...ofJob.map((field) => `training.${field}`), ...ofChannels]).toEqual(declared);
  return declared;
}

describe('the rules of training', () => {
  it('refuse long spot training that keeps no checkpoints', () => {
    expect(refused({ spot })).toEqual(['training.checkpoints']);
    expect(refused({ spot, checkpoints: { everySeconds: 60 } })).toEqual([]);
    expect(refused({ spot, maxRuntimeSeconds: LONG_SPOT_SECONDS })).toEqual([]);
    expect(refused({})).toEqual([]);
  });

  it('refuse a wait that is shorter than the training, and warm spot instances', () => {
    const checkpoints = { everySeconds: 60 };
    expect(refused({ spot: { maxWaitSeconds: 10 }, checkpoints })).toEqual(['training.spot.maxWaitSeconds']);
    expect(refused({ spot, checkpoints, keepAliveSeconds: 60 })).toEqual(['training.keepAliveSeconds']);
    expect(refused({ keepAliveSeconds: 60 })).toEqual([]);
  });

  it('refuse a key for the volume of instances whose disks are their own', () => {
    const encryption = { volumeKmsKeyId: 'alias/volumes' };
    const types = [
      'ml.g5.xlarge',
      'ml.g4dn.xlarge',
      'ml.p6-b200.48xlarge',
      'ml.r5d.large',
      'ml.trn2.48xlarge',
    ];
    for (const instanceType of types) {
      expect(refused({ instanceType, encryption })).toEqual(['training.encryption.volumeKmsKeyId']);
    }
    for (const instanceType of ['ml.m5.xlarge', 'ml.p3.2xlarge', 'ml.c7i.large']) {
      expect(refused({ instanceType, encryption })).toEqual([]);
    }
  });

  it('refuse what torchrun does not take', () => {
    expect(refused({ distribution: { launcher: 'torchrun', processesPerHost: 2 } })).toEqual([
      'training.distribution.processesPerHost',
    ]);
    expect(refused({ distribution: { launcher: 'mpi', processesPerHost: 2 } })).toEqual([]);
  });

  it('refuse hyperparameters that SageMaker would refuse', () => {
    expect(refused({ hyperparameters: { classes: 'x'.repeat(2499) } })).toEqual([
      'training.hyperparameters.classes',
    ]);
    expect(refused({ hyperparameters: { classes: 'x'.repeat(2498) } })).toEqual([]);
    const many = Object.fromEntries(Array.from({ length: 92 }, (_, i) => [`h${i}`, i]));
    expect(refused({ hyperparameters: many })).toEqual(['training.hyperparameters']);
  });

  it('refuse channels that every job has, and names that are none', () => {
    expect(refused({ channels: { 'base-model': 'base/minilm/' } })).toEqual([]);
    expect(refused({ channels: { train: 'elsewhere/', 'base model': 'base/' } })).toEqual([
      'training.channels.train',
      'training.channels.base model',
    ]);
  });
});
