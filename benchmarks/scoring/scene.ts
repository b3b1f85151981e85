import type { GoldenRow } from '../../contracts/model';
import { createRig, release, type Rig } from '../../tests/scoring/rig';
import { register, type Artifact } from './artifacts';
import { churn, makeChurn } from './churn';
import type { Sizes } from './sizes';

/** What every part of the benchmark stands on. */
export interface Scene {
  sizes: Sizes;
  say: (text: string) => void;
  /** A folder of the run's own. */
  folder: string;
  /** Temporal on its file, S3 and Redis, with the churn model released. */
  rig: Rig;
  churn: Artifact<GoldenRow>;
}

export async function withScene<T>(
  setting: Pick<Scene, 'sizes' | 'say' | 'folder'>,
  use: (scene: Scene) => Promise<T>,
): Promise<T> {
  setting.say('training the churn model');
  const artifact = await makeChurn(setting.folder);
  const rig = await createRig();
  try {
    await release(rig.store, churn.name, 1, await register(rig.store, churn, 'churn-v1.0.0', artifact));
    return await use({ ...setting, rig, churn: artifact });
  } finally {
    await rig.close();
  }
}
