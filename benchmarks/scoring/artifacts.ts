import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ArtifactManifest, GoldenRows, ModelDeclaration } from '../../contracts/model';
import { Key } from '../../contracts/ids';
import type { ServedVersion } from '../../contracts/release';
import { projectRoot } from '../../platform/project-root';
import { sha256, type ObjectStore } from '../../platform/s3';
import { declare } from '../../tests/scoring/rig';
import { findTestTools } from '../../tests/support/tools';

/** Files of a trained model, which both sides serve. */
export interface Artifact<Row> {
  folder: string;
  golden: GoldenRows<Row>;
}

/** Runs one of the programs beside this file that train and export; they leave artifacts in the folder. */
export async function makeArtifact(
  runtime: 'xgboost' | 'torch',
  program: string,
  folder: string,
  ...args: string[]
): Promise<void> {
  const python = join((await findTestTools())[runtime], 'bin', 'python');
  const file = join(projectRoot(), 'benchmarks', 'scoring', program);
  await promisify(execFile)(python, [file, folder, ...args], { maxBuffer: 64 * 1024 * 1024 });
}

/** What such a program left. */
export const readArtifact = <Row>(folder: string): Artifact<Row> => ({
  folder,
  golden: JSON.parse(readFileSync(join(folder, 'golden.json'), 'utf8')) as GoldenRows<Row>,
});

/** Lays an artifact down as a version of the model, as the registry does. */
export async function register(
  store: ObjectStore,
  declaration: ModelDeclaration,
  version: string,
  { folder }: Artifact<unknown>,
): Promise<ServedVersion> {
  const target = Key.version(declaration.name, version);
  const files: ArtifactManifest['files'] = {};
  for (const file of readdirSync(folder)) {
    const body = readFileSync(join(folder, file));
    files[file] = { sha256: sha256(body), bytes: body.length };
    await store.put(`${target}${file}`, body);
  }
  const manifest: ArtifactManifest = {
    formatVersion: 1,
    model: declaration.name,
    version,
    provenance: {
      declarationHash: await declare(store, declaration),
      codeHash: '0',
      snapshot: '0',
      jobName: 'none',
      workflowId: 'none',
      runId: 'none',
      trigger: 'person',
      reason: 'a benchmark',
    },
    files,
  };
  const body = JSON.stringify(manifest);
  await store.put(`${target}manifest.json`, body);
  return { version, artifactKey: `${target}manifest.json`, sha256: sha256(body) };
}
