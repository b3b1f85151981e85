import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListTrainingJobsCommand } from '@aws-sdk/client-sagemaker';
import { create } from 'tar';
import type { ModelDeclaration } from '../../contracts/model';
import { churn } from '../../models/churn/model';
import { projectRoot } from '../../platform/project-root';
import { until } from '../support/servers';
import type { TestSagemaker } from '../sagemaker/environment';

/** Steps between two checkpoints, and the step before which a program waits. */
export const INTERVAL = 5;
export const STEPS = 40;
export const HELD_AT = 23;
/** The newest checkpoint of a program that waits there. */
export const CHECKPOINT = 20;

export const CODE_KEY = 'code/count.tar.gz';

/** Brings the counting program, with the library that it imports, and the splits it is given into the bucket. */
export async function layDownCounting({ store, folder }: TestSagemaker): Promise<void> {
  const code = join(folder, 'counting');
  mkdirSync(code);
  cpSync(join(__dirname, 'count.py'), join(code, 'count.py'));
  cpSync(join(projectRoot(), 'models', 'library'), join(code, 'library'), { recursive: true });
  const archive = join(folder, 'count.tar.gz');
  await create({ file: archive, cwd: code, gzip: true }, ['count.py', 'library']);
  await store.upload(archive, CODE_KEY);
  for (const split of ['train', 'validation', 'test'])
    await store.put(`datasets/churn/abc/${split}/rows.csv`, 'a');
}

/** One training that counts: what it is given, and what it has done. */
export class Counting {
  readonly notes: string;
  private readonly holdFile: string;

  constructor(
    private readonly sagemaker: TestSagemaker,
    readonly name: string,
  ) {
    this.notes = join(sagemaker.folder, `${name}.notes`);
    this.holdFile = join(sagemaker.folder, `${name}.go`);
  }

  /** How a model of it is trained: on spot, with a checkpoint each interval. */
  training(change: Partial<ModelDeclaration['training']> = {}): ModelDeclaration['training'] {
    return {
      ...churn.training,
      program: 'count.py',
      metrics: [{ name: 'count', regex: 'count=([0-9]+)' }],
      spot: { maxWaitSeconds: 3600, maxInterruptions: 0 },
      checkpoints: { everySeconds: 0 },
      maxRuntimeSeconds: 3600,
      hyperparameters: {
        steps: STEPS,
        interval: INTERVAL,
        notes: this.notes,
        hold_at: HELD_AT,
        hold_file: this.holdFile,
      },
      ...change,
    };
  }

  /** Steps in the order in which they were done. */
  steps(): number[] {
    if (!existsSync(this.notes)) return [];
    return readFileSync(this.notes, 'utf8').trim().split('\n').map(Number);
  }

  /** Waits until the program waits, its newest checkpoint in S3, so many times. */
  async held(times = 1): Promise<void> {
    await until(`${this.name} to wait, for the ${times}. time`, async () => {
      if (this.steps().filter((step) => step === HELD_AT - 1).length < times) return false;
      const saved = await this.sagemaker.store.list('checkpoints/churn/');
      return saved.some(({ key }) =>
        key.endsWith(`step-${String(CHECKPOINT).padStart(12, '0')}/manifest.json`),
      );
    });
  }

  release(): void {
    writeFileSync(this.holdFile, '');
  }
}

/** Steps from one on, up to another. */
export const from = (first: number, end: number): number[] =>
  Array.from({ length: end - first }, (_, i) => first + i);

/** Jobs that live, whatever they are called. */
export async function liveJobs({ client }: TestSagemaker): Promise<string[]> {
  const { TrainingJobSummaries } = await client.send(new ListTrainingJobsCommand({ MaxResults: 100 }));
  return TrainingJobSummaries!
    .filter(({ TrainingJobStatus }) => TrainingJobStatus === 'InProgress' || TrainingJobStatus === 'Stopping')
    .map(({ TrainingJobName }) => TrainingJobName!);
}
