import { FEAST_PROJECT } from '../../contracts/ids';
import { createOnlineStore } from '../../platform/online-store';
import { FEATURE_NAMES, JOIN_KEY, materializedView } from '../features/data';
import type { Sample } from './agreement';
import type { Scene } from './scene';

const ENTITIES = 2000;

/** Customers with the features of the golden rows, as a materialization leaves them. */
export async function writeEntities({ rig, churn }: Pick<Scene, 'rig' | 'churn'>): Promise<Sample[]> {
  const known = churn.golden.rows.filter(({ features }) =>
    FEATURE_NAMES.some((name) => features[name] !== null),
  );
  const now = BigInt(Date.now()) * 1000n;
  const customers = Array.from({ length: ENTITIES }, (_, index) => ({
    entity: { [JOIN_KEY]: `C${String(index).padStart(7, '0')}` },
    ...known[index % known.length]!,
  }));
  await createOnlineStore(rig.redis, FEAST_PROJECT).write(
    materializedView,
    customers.map(({ entity, features }) => ({
      entity,
      eventTimestamp: now,
      createdTimestamp: now,
      values: FEATURE_NAMES.map((name) => features[name]!),
    })),
  );
  return customers.map(({ entity, expected }) => ({ ask: { entity }, expected }));
}
