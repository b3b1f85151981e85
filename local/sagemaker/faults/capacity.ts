import { join } from 'node:path';
import { readJson, writeJson } from '../files';

/** Instances of some kind; what is not named means every. */
export interface InstancePool {
  instanceType?: string;
  spot?: boolean;
}

const file = (home: string): string => join(home, 'exhausted-pools.json');

const exhausted = async (home: string): Promise<InstancePool[]> =>
  (await readJson<InstancePool[]>(file(home))) ?? [];

const same = (a: InstancePool, b: InstancePool): boolean =>
  a.instanceType === b.instanceType && a.spot === b.spot;

/** Says that there are none of these instances until further notice, or again some: jobs wait for them meanwhile. */
export async function setAvailable(home: string, pool: InstancePool, available: boolean): Promise<void> {
  const others = (await exhausted(home)).filter((one) => !same(one, pool));
  await writeJson(file(home), available ? others : [...others, pool]);
}

export async function isAvailable(home: string, wanted: Required<InstancePool>): Promise<boolean> {
  return !(await exhausted(home)).some(
    ({ instanceType, spot }) =>
      (instanceType === undefined || instanceType === wanted.instanceType) &&
      (spot === undefined || spot === wanted.spot),
  );
}
