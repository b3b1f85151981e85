import type { DatasetManifest, DatasetSnapshot } from '../../contracts/dataset';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { ArtifactManifest } from '../../contracts/model';
import type { ObjectStore } from '../../platform/s3';
import { hasSeen } from '../datasets/seen';

/**
 * Why a version may not be judged on a snapshot's held-out rows: it has learnt from them, or nobody can tell. Null where
 * they are new to it; an entity rule alone has seen to that before anything was trained.
 */
export async function whyNotNew(
  store: Pick<ObjectStore, 'getJson'>,
  version: string,
  { model, prefix }: Pick<DatasetSnapshot, 'model' | 'prefix'>,
): Promise<string | null> {
  const heldOut = await store.getJson<DatasetManifest>(`${prefix}manifest.json`);
  if (heldOut.splitRule.days === null) return null;
  try {
    const artifact = await store.getJson<ArtifactManifest>(`${Key.version(model, version)}manifest.json`);
    const { snapshot } = artifact.provenance;
    const trainedOn = await store.getJson<DatasetManifest>(`${Key.dataset(model, snapshot)}manifest.json`);
    if (!hasSeen(trainedOn, heldOut)) return null;
    return (
      `${version} has learnt from ${Key.dataset(model, snapshot)}, which reaches into the days held out here ` +
      `(${heldOut.splitRule.days.test.join(', ')}). Train the candidate on newer days to compare the two.`
    );
  } catch (error) {
    if (!(error instanceof MeridianError) || error.code !== ErrorCode.MissingObject) throw error;
    return `nobody can tell what ${version} has learnt from: ${error.message}`;
  }
}
