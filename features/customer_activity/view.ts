import type { FeatureView } from '../../contracts/model';
import { customer } from '../entities';

const TWO_DAYS_SECONDS = 2 * 24 * 3600;

/** Filled by `POST /v1/features/customer_activity` alone: there is no daily load. */
export const customerActivity: FeatureView = {
  name: 'customer_activity',
  version: 1,
  description: 'What a customer has been doing within the last day, pushed by the product as it happens.',
  owner: 'growth-analytics',
  entity: customer,
  ttlSeconds: TWO_DAYS_SECONDS,
  sources: [],
  transformation: null,
  push: true,
  features: [
    {
      name: 'sessions_24h',
      type: 'int64',
      description: 'Sessions, last 24 hours.',
      checks: { maxNullShare: 0, min: 0, max: 100_000 },
    },
    {
      name: 'errors_24h',
      type: 'int64',
      description: 'Errors shown, last 24 hours.',
      checks: { maxNullShare: 0, min: 0 },
    },
    {
      name: 'session_minutes',
      type: 'double',
      description: 'Minutes of the session under way, or of the last one.',
      checks: { min: 0, max: 24 * 60 },
    },
    {
      name: 'is_active',
      type: 'bool',
      description: 'Whether a session is under way.',
    },
    {
      name: 'last_city',
      type: 'string',
      personal: true,
      description: 'The city of the last session, by its address.',
    },
  ],
  tags: { domain: 'usage' },
};
