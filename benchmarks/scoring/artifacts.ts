import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { GoldenRows, ModelDeclaration } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import { projectRoot } from '../../platform/project-root';
import type { ObjectStore } from '../../platform/s3';
import { layVersion } from '../../tests/scoring/rig';
import { filesIn } from '../../tests/support/artifact-fixtures';
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
export const register = (
  store: ObjectStore,
  declaration: ModelDeclaration,
  version: string,
  { folder }: Artifact<unknown>,
): Promise<ServedVersion> => layVersion(store, declaration, version, filesIn(folder));
