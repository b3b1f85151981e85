import type { FeatureView } from '../../contracts/model';
import { CUSTOMER_CHECKS, DAILY_TTL_SECONDS, SHIFTED_PSI, transformationOf } from '../defaults';
import { customer } from '../entities';

export const customerAccount: FeatureView = {
  name: 'customer_account',
  version: 1,
  description:
    'What a customer has signed: plan, contract, seats, price; one row a customer who has not left.',
  owner: 'growth-analytics',
  entity: customer,
  ttlSeconds: DAILY_TTL_SECONDS,
  sources: [{ table: 'accounts', lookBackDays: 1 }],
  transformation: transformationOf('customer_account'),
  checks: CUSTOMER_CHECKS,
  features: [
    {
      name: 'plan',
      type: 'string',
      description: 'The plan paid for.',
      checks: {
        maxNullShare: 0,
        categories: ['starter', 'team', 'business', 'enterprise'],
        maxPsi: SHIFTED_PSI,
      },
    },
    {
      name: 'region',
      type: 'string',
      description: 'Where the account is billed.',
      checks: { maxNullShare: 0, categories: ['na', 'emea', 'apac', 'latam'] },
    },
    {
      name: 'contract',
      type: 'string',
      description: 'How long the customer is bound.',
      checks: { maxNullShare: 0, categories: ['monthly', 'annual', 'two-year'], maxPsi: SHIFTED_PSI },
    },
    {
      name: 'autopay',
      type: 'bool',
      description: 'Whether invoices are paid by themselves.',
      checks: { maxNullShare: 0 },
    },
    {
      name: 'tenure_days',
      type: 'int32',
      description: 'Days since the sign-up.',
      checks: { maxNullShare: 0, min: 0, max: 20000 },
    },
    {
      name: 'seats',
      type: 'int32',
      description: 'Seats paid for.',
      checks: { maxNullShare: 0, min: 1, max: 10000, maxPsi: SHIFTED_PSI },
    },
    {
      name: 'monthly_price',
      type: 'double',
      description: 'Price a month, in dollars.',
      checks: { maxNullShare: 0, min: 0, maxPsi: SHIFTED_PSI, maxOutlierShare: 0.1 },
    },
  ],
  tags: { domain: 'accounts' },
};
