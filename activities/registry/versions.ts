import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { extract } from 'tar';
import { canonicalJson } from '../../contracts/canonical-json';
import { splitCounts, type DatasetManifest, type DatasetSnapshot } from '../../contracts/dataset';
import type { Contest, Provenance } from '../../contracts/decision';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { ArtifactManifest, ModelDeclaration } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import type { TrainingOutcome } from '../../contracts/training';
import { readCurrentGeneration } from '../../platform/releases';
import { sha256, type ObjectStore } from '../../platform/s3';
import { readDeclaration } from './declarations';

/** What a training must leave behind to become a version. */
const REQUIRED = [
  'model.onnx',
  'signature.json',
  'baseline.json',
  'golden.json',
  'training.json',
  'metrics.jsonl',
];

interface PackageRequest {
  model: string;
  version: string;
  outcome: TrainingOutcome;
  provenance: Provenance;
}

export function createVersionActivities(store: ObjectStore) {
  return {
    /**
     * Unpacks the job's model.tar.gz to `models/<model>/<version>/` and writes the manifest last: a version without a
     * manifest does not exist. Doing it again writes the same bytes.
     * @throws MeridianError BadArtifact where a file is missing or the archive is broken
     */
    async packageVersion({ model, version, outcome, provenance }: PackageRequest): Promise<ServedVersion> {
      const prefix = Key.version(model, version);
      const files: ArtifactManifest['files'] = {};
      await inTemporaryFolder(async (folder) => {
        for (const name of await unpack(store, outcome.artifactKey, folder)) {
          const body = await readFile(join(folder, 'content', name));
          await store.put(prefix + name, body);
          files[name] = { sha256: sha256(body), bytes: body.length };
        }
      });
      const manifest: ArtifactManifest = { formatVersion: 1, model, version, provenance, files };
      const body = canonicalJson(manifest);
      await store.put(`${prefix}manifest.json`, body);
      return { version, artifactKey: `${prefix}manifest.json`, sha256: sha256(body) };
    },

    /** A version with all that evaluating it needs, and the champion it meets. */
    async describeContest({ model, version }: { model: string; version: string }): Promise<DescribedContest> {
      const { served, manifest } = await findVersion(store, model, version);
      const { declarationHash, snapshot } = manifest.provenance;
      const generation = await readCurrentGeneration(store, model);
      const champion = generation && generation.production.version !== version ? generation.production : null;
      return {
        declaration: await readDeclaration(store, model, declarationHash),
        snapshot: await describeSnapshot(store, model, snapshot),
        candidate: served,
        champion,
      };
    },
  };
}

export interface DescribedContest extends Contest {
  declaration: ModelDeclaration;
  snapshot: DatasetSnapshot;
}

/** @throws MeridianError MissingObject where no such version was packaged */
export async function findVersion(
  store: ObjectStore,
  model: string,
  version: string,
): Promise<{ served: ServedVersion; manifest: ArtifactManifest }> {
  const artifactKey = `${Key.version(model, version)}manifest.json`;
  const found = await store.find(artifactKey);
  if (!found) {
    const known = await store.listFolders(`models/${model}/`);
    throw new MeridianError(
      ErrorCode.MissingObject,
      `${model} has no version ${version} (packaged: ${known.join(', ') || 'none'}). Name one of those.`,
    );
  }
  return {
    served: { version, artifactKey, sha256: sha256(found.body) },
    manifest: JSON.parse(found.body.toString('utf8')) as ArtifactManifest,
  };
}

async function describeSnapshot(
  store: ObjectStore,
  model: string,
  snapshot: string,
): Promise<DatasetSnapshot> {
  const prefix = Key.dataset(model, snapshot);
  const { splits } = await store.getJson<DatasetManifest>(`${prefix}manifest.json`);
  return { model, snapshot, prefix, ...splitCounts(splits) };
}

/** Unpacks a training's archive and returns the names of its files. */
async function unpack(store: ObjectStore, key: string, folder: string): Promise<string[]> {
  const archive = join(folder, 'model.tar.gz');
  const content = join(folder, 'content');
  await store.download(key, archive);
  await mkdir(content);
  try {
    await extract({ file: archive, cwd: content, strict: true });
  } catch (cause) {
    throw new MeridianError(
      ErrorCode.BadArtifact,
      `${store.uri(key)}: not a readable tar.gz (${String(cause)}). Train again.`,
      [],
      { cause },
    );
  }
  const names = await filesBelow(content);
  const absent = REQUIRED.filter((name) => !names.includes(name));
  if (absent.length > 0) {
    throw new MeridianError(
      ErrorCode.BadArtifact,
      `${store.uri(key)}: has no ${absent.join(', no ')} (found: ${names.join(', ') || 'nothing'}). ` +
        'The training program must write them to SM_MODEL_DIR; mend it and train again.',
    );
  }
  return names;
}

/** Paths below the folder, such as `pictures/roc_curve.png`, in order; what is no plain file is left out. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
    .sort();
}

async function inTemporaryFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'meridian-version-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
