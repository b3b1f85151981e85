import type { GoldenRow } from '../../contracts/model';
import { createRig, release, type Rig } from '../../tests/scoring/rig';
import { register, type Artifact } from './artifacts';
import { churn, makeChurn } from './churn';
import { releaseClassifiers, type Classifier } from './classifiers';
import type { Sizes } from './sizes';

/** What every part of the benchmark stands on. */
export interface Scene {
  sizes: Sizes;
  say: (text: string) => void;
  /** A folder of the run's own. */
  folder: string;
  /** Where our workers leave CPU profiles, if anywhere. */
  profile?: string;
  /** Temporal on its file, S3 and Redis, with the churn model released. */
  rig: Rig;
  churn: Artifact<GoldenRow>;
  /** Exported and released when they are first asked for. */
  classifiers(): Promise<Classifier[]>;
}

/** What a run of the benchmark is given. */
export type Setting = Pick<Scene, 'sizes' | 'say' | 'folder' | 'profile'>;

export async function withScene<T>(setting: Setting, use: (scene: Scene) => Promise<T>): Promise<T> {
  setting.say('training the churn model');
  const artifact = await makeChurn(setting.folder);
  const rig = await createRig();
  try {
    await release(rig.store, churn.name, 1, await register(rig.store, churn, 'churn-v1.0.0', artifact));
    let classifiers: Promise<Classifier[]> | undefined;
    return await use({
      ...setting,
      rig,
      churn: artifact,
      classifiers: () => (classifiers ??= releaseClassifiers(setting, rig)),
    });
  } finally {
    await rig.close();
  }
}
