import type { FeatureView } from '../contracts/model';

type Entity = FeatureView['entity'];

/** Who uses Meridian: the entity of most views of the house. */
export const customer: Entity = {
  name: 'customer',
  joinKeys: [{ name: 'customer_id', type: 'string' }],
};

/** Something that a customer wrote, once; its views say which customer (`belongsTo`). */
export const event: Entity = {
  name: 'event',
  joinKeys: [{ name: 'event_id', type: 'string' }],
};
