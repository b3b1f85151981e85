import { Key } from '../contracts/ids';
import type { Generation, ReleasePointer } from '../contracts/release';
import type { ObjectStore } from './s3';

/**
 * What serves of a model now; null before its first release.
 * @throws MeridianError CorruptObject or MissingObject naming the pointer or the generation it points to
 */
export async function readCurrentGeneration(store: ObjectStore, model: string): Promise<Generation | null> {
  const pointerKey = Key.releasePointer(model);
  if (!(await store.head(pointerKey))) return null;
  const { key } = await store.getJson<ReleasePointer>(pointerKey);
  return store.getJson<Generation>(key);
}
