import type { FeatureView } from '../contracts/model';

type Entity = FeatureView['entity'];

/** Who uses Meridian: the entity of every view of the house. */
export const customer: Entity = {
  name: 'customer',
  joinKeys: [{ name: 'customer_id', type: 'string' }],
};
