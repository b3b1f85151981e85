import type { FeatureView } from '../../contracts/model';
import { CUSTOMER_CHECKS, DAILY_TTL_SECONDS, SHIFTED_PSI, transformationOf } from '../defaults';
import { customer } from '../entities';

type Feature = FeatureView['features'][number];

const count = (name: string, max: number, description: string, checks: Feature['checks'] = {}): Feature => ({
  name,
  type: 'int32',
  description,
  checks: { maxNullShare: 0, min: 0, max, ...checks },
});

export const customerUsage: FeatureView = {
  name: 'customer_usage',
  version: 1,
  description: 'How much a customer uses the product, and whether that is rising or falling.',
  owner: 'growth-analytics',
  entity: customer,
  ttlSeconds: DAILY_TTL_SECONDS,
  sources: [{ table: 'usage', lookBackDays: 56 }],
  transformation: transformationOf('customer_usage'),
  checks: CUSTOMER_CHECKS,
  features: [
    count('active_days_7d', 7, 'Days with a session, last 7 days.'),
    count('active_days_28d', 28, 'Days with a session, last 28 days.', { maxPsi: SHIFTED_PSI }),
    count('sessions_7d', 1_000_000, 'Sessions, last 7 days.'),
    count('sessions_28d', 1_000_000, 'Sessions, last 28 days.', { maxPsi: SHIFTED_PSI }),
    {
      name: 'active_minutes_28d',
      type: 'double',
      description: 'Minutes of use, last 28 days.',
      checks: { maxNullShare: 0, min: 0, maxOutlierShare: 0.1 },
    },
    count('features_used_28d', 1000, 'Most product features used on one of the last 28 days.'),
    {
      name: 'error_rate_28d',
      type: 'double',
      description: 'Errors shown a session, last 28 days; missing without a session.',
      checks: { min: 0 },
    },
    {
      name: 'sessions_trend_7d',
      type: 'double',
      description: 'Sessions a day of the last 7 days over those of the last 28; missing without a session.',
      checks: { min: 0, max: 4 },
    },
    {
      name: 'sessions_trend_28d',
      type: 'double',
      description: 'Sessions of the last 28 days over those of the 28 before; missing for new customers.',
      checks: { min: 0 },
    },
    count('days_since_active', 56, 'Days since the last session; 56 where there is none in 56 days.'),
  ],
  tags: { domain: 'usage' },
};
