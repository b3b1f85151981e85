import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Provenance } from '../../contracts/decision';
import type { ArtifactManifest, ModelDeclaration } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import { findTools } from '../../local/stack/tools';
import { loadArtifact } from '../../platform/onnx/artifact';
import type { LoadedModel } from '../../platform/onnx/loaded-model';
import { literal, withDatabase } from '../../platform/duckdb';
import { projectRoot } from '../../platform/project-root';
import { sha256 } from '../../platform/s3';

export type Inputs = Pick<ModelDeclaration['inputs'][number], 'name' | 'type'>[];

/** Python of the xgboost runtime's virtual environment: the one that MERIDIAN_VENV_XGBOOST names, else the installed one. */
export async function xgboostPython(): Promise<string> {
  const venv = process.env['MERIDIAN_VENV_XGBOOST'] ?? (await findTools()).xgboost;
  return join(venv, 'bin', 'python');
}

/** Lays down the channels of a job: the split that the query's column `split` names, and the declaration. */
export async function layChannels(
  base: string,
  query: string,
  inputs: Inputs,
  kind: 'tabular-classifier' | 'tabular-regressor' = 'tabular-classifier',
): Promise<void> {
  const channel = (name: string) => {
    const folder = join(base, 'input', 'data', name);
    mkdirSync(folder, { recursive: true });
    return folder;
  };
  await withDatabase(async (database) => {
    await database.execute(`CREATE TABLE everything AS ${query}`);
    for (const split of ['train', 'validation', 'test']) {
      await database.execute(
        `COPY (SELECT * EXCLUDE (split) FROM everything WHERE split = ${literal(split)})
         TO ${literal(join(channel(split), `${split}.parquet`))} (FORMAT parquet)`,
      );
    }
  });
  const declaration = {
    name: 'made-up',
    kind,
    inputs: inputs.map((input) => ({ ...input, view: 'v', feature: input.name })),
    label: kind === 'tabular-classifier' ? { classes: ['stays', 'leaves'] } : {},
  };
  writeFileSync(join(channel('declaration'), `${'0'.repeat(64)}.json`), JSON.stringify(declaration));
}

export interface TrainingRun {
  status: number;
  log: string;
  /** What the program wrote for SageMaker's FailureReason. */
  failure: string | null;
}

/** Runs XGBoost's training program as a job's container does. */
export async function runTraining(
  base: string,
  hyperparameters: string[] = [],
  env: Record<string, string> = {},
): Promise<TrainingRun> {
  return runProgram(await xgboostPython(), 'models/churn/train.py', base, hyperparameters, env);
}

/**
 * Runs a training program as a job's container does: everything below `base`, hyperparameters as arguments.
 * @param path Of the program, below the project's root.
 */
export async function runProgram(
  python: string,
  path: string,
  base: string,
  hyperparameters: string[] = [],
  env: Record<string, string> = {},
): Promise<TrainingRun> {
  const program = join(projectRoot(), path);
  const { status, log } = await new Promise<{ status: number; log: string }>((resolve) => {
    execFile(
      python,
      [program, ...hyperparameters],
      { env: { PATH: process.env['PATH'], SAGEMAKER_BASE_DIR: base, SM_NUM_CPUS: '2', ...env } },
      (error, stdout, stderr) =>
        resolve({ status: error ? Number(error.code ?? -1) : 0, log: stdout + stderr }),
    );
  });
  const failureFile = join(base, 'output', 'failure');
  return { status, log, failure: existsSync(failureFile) ? readFileSync(failureFile, 'utf8') : null };
}

/** What a job left in its model folder, loaded as serving loads it. */
export function loadPackaged(modelFolder: string, model: string, version: string): Promise<LoadedModel> {
  const { served, objects } = packageVersion(modelFolder, model, version);
  const store = {
    uri: (key: string) => key,
    find: async (key: string) => (objects.has(key) ? { body: objects.get(key)!, etag: '' } : null),
  };
  return loadArtifact(store, served);
}

/** What a job left in its model folder, packaged as a version: object bodies by key, and what names it. */
export function packageVersion(
  modelFolder: string,
  model: string,
  version: string,
): { served: ServedVersion; objects: Map<string, Buffer> } {
  const artifactKey = `models/${model}/${version}/manifest.json`;
  const objects = new Map(
    readdirSync(modelFolder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((file) => [`${dirname(artifactKey)}/${relative(modelFolder, file)}`, readFileSync(file)]),
  );
  const files = Object.fromEntries(
    [...objects].map(([key, body]) => [
      key.slice(dirname(artifactKey).length + 1),
      { sha256: sha256(body), bytes: body.length },
    ]),
  );
  const manifest: Omit<ArtifactManifest, 'provenance'> & { provenance: Pick<Provenance, 'snapshot'> } = {
    formatVersion: 1,
    model,
    version,
    provenance: { snapshot: `of-${version}` },
    files,
  };
  const body = Buffer.from(JSON.stringify(manifest));
  objects.set(artifactKey, body);
  return { served: { version, artifactKey, sha256: sha256(body) }, objects };
}
