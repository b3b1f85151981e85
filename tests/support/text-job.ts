import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { literal, withDatabase } from '../../platform/duckdb';
import { projectRoot } from '../../platform/project-root';
import { findTestTools } from './tools';

/** The program that fine-tunes a classifier of texts. */
const PROGRAM = join(projectRoot(), 'models', 'event-classifier', 'train.py');

/** A folder of the job's container, made. */
export function channelFolder(base: string, name: string): string {
  const folder = join(base, 'input', 'data', name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Lays down the splits that the query's column `split` names (event_id, text, label), and the declaration. */
export async function layTextChannels(
  base: string,
  query: string,
  classes: readonly string[],
): Promise<void> {
  await withDatabase(async (database) => {
    await database.execute(`CREATE TABLE everything AS ${query}`);
    for (const split of ['train', 'validation', 'test']) {
      await database.execute(
        `COPY (SELECT * EXCLUDE (split) FROM everything WHERE split = ${literal(split)})
         TO ${literal(join(channelFolder(base, split), `${split}.parquet`))} (FORMAT parquet)`,
      );
    }
  });
  const declaration = {
    name: 'made-up-texts',
    kind: 'text-classifier',
    views: [{ name: 'v', entity: { name: 'event', joinKeys: [{ name: 'event_id', type: 'string' }] } }],
    inputs: [{ name: 'text', view: 'v', feature: 'text', type: 'text' }],
    label: { classes },
  };
  writeFileSync(
    join(channelFolder(base, 'declaration'), `${'0'.repeat(64)}.json`),
    JSON.stringify(declaration),
  );
}

export interface TextJob {
  base: string;
  hyperparameters?: Record<string, string | number>;
  env?: Record<string, string>;
  /** Kills the program at the first line that it finds. */
  killAt?: RegExp;
}

export interface TextJobEnd {
  code: number | null;
  lines: string[];
  failure: string | null;
}

export async function torchPython(): Promise<string> {
  const venv = process.env['MERIDIAN_VENV_TORCH'] ?? (await findTestTools()).torch;
  return join(venv, 'bin', 'python');
}

/** Runs the program as a job's container does. */
export async function runTextJob({
  base,
  hyperparameters = {},
  env = {},
  killAt,
}: TextJob): Promise<TextJobEnd> {
  const args = Object.entries(hyperparameters).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(await torchPython(), [PROGRAM, ...args], {
    env: {
      PATH: process.env['PATH'],
      SAGEMAKER_BASE_DIR: base,
      // More threads than free processors wait for each other.
      SM_NUM_CPUS: '1',
      OMP_WAIT_POLICY: 'PASSIVE',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  child.stderr.on('data', (text: Buffer) => lines.push(text.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (killAt?.test(line)) child.kill('SIGKILL');
  }
  const code = await ended;
  const failure = join(base, 'output', 'failure');
  return { code, lines, failure: existsSync(failure) ? readFileSync(failure, 'utf8') : null };
}
