import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactManifest } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import { projectRoot } from '../../platform/project-root';
import { sha256 } from '../../platform/s3';

/** A model kept under platform/onnx/fixtures: one of each kind. */
export type Fixture = 'model' | 'text' | 'regressor' | 'series';

const folderOf = (fixture: Fixture): string => join(projectRoot(), 'platform', 'onnx', 'fixtures', fixture);

/** The files of a folder, by name; not those of the folders in it. */
export const filesIn = (folder: string): Map<string, Buffer> =>
  new Map(
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => [name, readFileSync(join(folder, name))]),
  );

/** The files of a fixture, by name. */
export const fixtureFiles = (fixture: Fixture): Map<string, Buffer> => filesIn(folderOf(fixture));

export const fixtureJson = <T>(fixture: Fixture, file: string): T =>
  JSON.parse(readFileSync(join(folderOf(fixture), file), 'utf8')) as T;

const PROVENANCE: ArtifactManifest['provenance'] = {
  declarationHash: 'd',
  codeHash: 'c',
  snapshot: 's',
  jobName: 'j',
  workflowId: 'w',
  runId: 'r',
  trigger: 'person',
  reason: 'a test',
};

/** Changes a test makes to a fixture: other content by file name; null leaves the file out. */
export interface Changes {
  files?: Record<string, Buffer | string | null>;
  manifest?: Partial<ArtifactManifest>;
}

/** A version laid down as the registry lays it down, in a store that is a map. */
export function layArtifact(fixture: Fixture, { files = {}, manifest: changed = {} }: Changes = {}) {
  const folder = 'models/fixture/fixture-v1.0.0';
  const objects = new Map<string, Buffer>();
  for (const [file, body] of fixtureFiles(fixture)) {
    const change = files[file];
    if (change !== null) objects.set(`${folder}/${file}`, Buffer.from(change ?? body));
  }
  const manifest: ArtifactManifest = {
    formatVersion: 1,
    model: 'fixture',
    provenance: PROVENANCE,
    version: 'fixture-v1.0.0',
    files: Object.fromEntries(
      [...objects].map(([key, body]) => [
        key.slice(folder.length + 1),
        { sha256: sha256(body), bytes: body.length },
      ]),
    ),
    ...changed,
  };
  const artifactKey = `${folder}/manifest.json`;
  objects.set(artifactKey, Buffer.from(JSON.stringify(manifest)));
  const store = {
    uri: (key: string) => `s3://bucket/${key}`,
    find: async (key: string) => {
      const body = objects.get(key);
      return body ? { body, etag: sha256(body) } : null;
    },
  };
  const served: ServedVersion = {
    version: 'fixture-v1.0.0',
    artifactKey,
    sha256: sha256(objects.get(artifactKey)!),
  };
  return { store, served, objects, folder };
}
