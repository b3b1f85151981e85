import type { FeatureView } from '../../contracts/model';
import { transformationOf } from '../defaults';
import { customer, event } from '../entities';

export const eventText: FeatureView = {
  name: 'event_text',
  version: 1,
  description: 'What customers write: the text of each event, by the day on which it occurred.',
  owner: 'support-operations',
  entity: event,
  // An event never changes.
  ttlSeconds: 0,
  // Who asks for a prediction sends the text along.
  online: false,
  sources: [{ table: 'events', lookBackDays: 1 }],
  transformation: transformationOf('event_text'),
  checks: { minRows: 1 },
  features: [
    { name: 'text', type: 'string', description: 'As the customer wrote it.', checks: { maxNullShare: 0 } },
    {
      name: 'customer_id',
      type: 'string',
      description: 'Who wrote it.',
      personal: true,
      belongsTo: customer.name,
    },
  ],
  tags: { domain: 'support' },
};
