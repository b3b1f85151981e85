import { join } from 'node:path';
import { readJson, writeJson } from '../files';

/** What a quota is on, in AWS's words: `ml.m5.large for spot training job usage`. */
export const trainingQuota = (instanceType: string, spot: boolean): string =>
  `${instanceType} for ${spot ? 'spot ' : ''}training job usage`;

const file = (home: string): string => join(home, 'quotas.json');

/** How many instances there may be at a time; null takes the quota away. Without one there is no bound. */
export async function setQuota(home: string, name: string, instances: number | null): Promise<void> {
  const { [name]: _, ...others } = await quotas(home);
  await writeJson(file(home), instances === null ? others : { ...others, [name]: instances });
}

export const quotas = async (home: string): Promise<Record<string, number>> =>
  (await readJson<Record<string, number>>(file(home))) ?? {};
