import { ErrorCode, MeridianError, show, type FieldProblem } from './errors';
import type { ModelDeclaration } from './model';
import { hyperparameterText } from './hyperparameter';
import { hasLocalStorage } from './instance-types';
import type { TrainingSpecification } from './training';

/** Spot training that may last longer than this loses too much with its instance: it must keep checkpoints. */
export const LONG_SPOT_SECONDS = 3600;

/** Channels that every job has: the dataset's, the declaration, and the code of one that reaches no network. */
const OWN_CHANNELS = ['train', 'validation', 'test', 'declaration', 'code'];
/** SageMaker's limits. */
const MOST_CHANNELS = 20;
const MOST_HYPERPARAMETERS = 100;
const LONGEST_VALUE = 2500;
/** What script mode and a distribution add to a program's own hyperparameters, at most. */
const SCRIPT_MODE_HYPERPARAMETERS = 9;
export const MOST_OWN_HYPERPARAMETERS = MOST_HYPERPARAMETERS - SCRIPT_MODE_HYPERPARAMETERS;

type Checked = Pick<
  TrainingSpecification,
  | 'spot'
  | 'checkpoints'
  | 'maxRuntimeSeconds'
  | 'keepAliveSeconds'
  | 'distribution'
  | 'hyperparameters'
  | 'encryption'
  | 'instanceType'
>;

/**
 * What the schema of a declaration cannot say of its training.
 * @throws MeridianError InvalidInput, listing each field
 */
export function checkDeclaredTraining({ name, training }: ModelDeclaration): void {
  refuse(`declaration of ${name}`, [
    ...problems(training).map((problem) => ({ ...problem, field: `training.${problem.field}` })),
    ...channelProblems(training.channels ?? {}),
  ]);
}

/**
 * The same of a job that is about to be started: a declaration may have been published by an older build.
 * @throws MeridianError InvalidInput, listing each field
 */
export function checkSpecification(what: string, specification: Checked): void {
  refuse(what, problems(specification));
}

function refuse(what: string, fields: FieldProblem[]): void {
  if (fields.length === 0) return;
  const texts = fields.map(({ field, found, expected }) => `${field}: found ${found}, expected ${expected}`);
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `${what}: ${texts.join('; ')}. Correct the declaration, then publish it again.`,
    fields,
  );
}

function problems(training: Checked): FieldProblem[] {
  return [
    ...spotProblems(training),
    ...encryptionProblems(training),
    ...distributionProblems(training),
    ...hyperparameterProblems(training),
  ];
}

function spotProblems({ spot, checkpoints, maxRuntimeSeconds, keepAliveSeconds }: Checked): FieldProblem[] {
  if (!spot) return [];
  const found: FieldProblem[] = [];
  if (!checkpoints && maxRuntimeSeconds > LONG_SPOT_SECONDS) {
    found.push({
      field: 'checkpoints',
      found: `none, with spot and maxRuntimeSeconds ${maxRuntimeSeconds}`,
      expected: `checkpoints of spot training that may last longer than ${LONG_SPOT_SECONDS} s: an interruption would lose it all`,
    });
  }
  if (spot.maxWaitSeconds < maxRuntimeSeconds) {
    found.push({
      field: 'spot.maxWaitSeconds',
      found: show(spot.maxWaitSeconds),
      expected: `at least maxRuntimeSeconds, ${maxRuntimeSeconds}`,
    });
  }
  if (keepAliveSeconds !== undefined) {
    const expected = 'nothing with spot: SageMaker keeps no spot instance warm';
    found.push({ field: 'keepAliveSeconds', found: show(keepAliveSeconds), expected });
  }
  return found;
}

function encryptionProblems({ encryption, instanceType }: Checked): FieldProblem[] {
  const key = encryption?.volumeKmsKeyId;
  if (key === undefined || !hasLocalStorage(instanceType)) return [];
  const expected = `none with ${instanceType}: its disks are its own, and encrypted by hardware`;
  return [{ field: 'encryption.volumeKmsKeyId', found: show(key), expected }];
}

function distributionProblems({ distribution }: Checked): FieldProblem[] {
  const { launcher, processesPerHost, mpiOptions } = distribution ?? {};
  if (launcher !== 'torchrun') return [];
  const expected = 'nothing with torchrun, which starts one process a GPU: it is for mpi';
  return Object.entries({ processesPerHost, mpiOptions })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ field: `distribution.${name}`, found: show(value), expected }));
}

function hyperparameterProblems({ hyperparameters }: Checked): FieldProblem[] {
  const entries = Object.entries(hyperparameters);
  const most = MOST_OWN_HYPERPARAMETERS;
  const tooMany = entries.length > most;
  return [
    ...(tooMany
      ? [{ field: 'hyperparameters', found: `${entries.length} of them`, expected: `at most ${most}` }]
      : []),
    ...entries
      .filter(([, value]) => hyperparameterText(value).length > LONGEST_VALUE)
      .map(([name, value]) => ({
        field: `hyperparameters.${name}`,
        found: `${hyperparameterText(value).length} characters as JSON`,
        expected: `at most ${LONGEST_VALUE}: SageMaker takes no more. Bring it by a channel`,
      })),
  ];
}

function channelProblems(channels: Record<string, string>): FieldProblem[] {
  const names = Object.keys(channels);
  const most = MOST_CHANNELS - OWN_CHANNELS.length;
  const tooMany = names.length > most;
  return [
    ...(tooMany
      ? [{ field: 'training.channels', found: `${names.length} of them`, expected: `at most ${most}` }]
      : []),
    ...names
      .filter((name) => OWN_CHANNELS.includes(name) || !/^[A-Za-z0-9.\-_]{1,64}$/.test(name))
      .map((name) => ({
        field: `training.channels.${name}`,
        found: 'that name',
        expected: `1 to 64 of A-Z a-z 0-9 . - _, and none of ${OWN_CHANNELS.join(', ')}`,
      })),
  ];
}
