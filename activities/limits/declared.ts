import { validateLimits } from '../../contracts/generated/validators';
import { Key } from '../../contracts/ids';
import { limitsFor, type LimitNeed, type Limits, type Occupancy } from '../../contracts/limits';
import { parse } from '../../contracts/validate';
import type { ObjectStore } from '../../platform/s3';

/**
 * The limits that such a job has to ask, as they are declared now; none where nobody has published any.
 * @throws MeridianError InvalidInput where what is published does not fit its schema
 */
export async function declaredLimits(
  store: Pick<ObjectStore, 'find' | 'uri'>,
  job: Occupancy,
): Promise<LimitNeed[]> {
  const found = await store.find(Key.limits);
  if (!found) return [];
  const limits = parse<Limits>(
    validateLimits,
    store.uri(Key.limits),
    JSON.parse(found.body.toString('utf8')),
  );
  return limitsFor(limits, job);
}
