import type { Provenance } from '../../contracts/decision';
import { Key } from '../../contracts/ids';
import type { ArtifactManifest } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import type { Mlflow } from '../../platform/mlflow';
import type { ObjectStore } from '../../platform/s3';

/** Files of a version that people want to see beside the run; graphs and pictures besides. */
const SHOWN: ReadonlySet<string> = new Set(['training.json', 'signature.json', 'baseline.json']);

/** A larger file is named by where it lies: it would pass through this process's memory and MLflow's. */
const LARGEST_COPY_BYTES = 256 * 2 ** 20;

interface RunArtifacts {
  experimentId: string;
  runId: string;
  model: string;
  served: ServedVersion;
  /** Key of the job's model.tar.gz. */
  archiveKey: string;
  provenance: Provenance;
}

/** Copies what people look at to the run; copied again, the same bytes lie under the same names. */
export async function logArtifacts(
  mlflow: Mlflow,
  store: ObjectStore,
  { experimentId, runId, model, served, archiveKey, provenance }: RunArtifacts,
): Promise<void> {
  const { files } = await store.getJson<ArtifactManifest>(served.artifactKey);
  const shown = Object.keys(files).filter(isShown);
  const copies = [
    ...shown.map((name) => [name, Key.version(model, served.version) + name]),
    ['model.tar.gz', archiveKey],
    ...(provenance.source?.dirtyDiffKey ? [['code/dirty.diff', provenance.source.dirtyDiffKey]] : []),
  ] as [name: string, key: string][];
  for (const [name, key] of copies) {
    const bytes = (await store.head(key))?.bytes ?? 0;
    const large = bytes > LARGEST_COPY_BYTES;
    const body = large ? Buffer.from(`${store.uri(key)}\n${bytes} bytes\n`) : await store.get(key);
    await mlflow.putArtifact(experimentId, runId, large ? `${name}.uri.txt` : name, body);
  }
}

const isShown = (name: string): boolean =>
  SHOWN.has(name) || name.endsWith('.onnx') || name.startsWith('pictures/');
