import type { FeatureView } from '../../contracts/model';
import { CUSTOMER_CHECKS, DAILY_TTL_SECONDS, transformationOf } from '../defaults';
import { customer } from '../entities';

export const customerSupport: FeatureView = {
  name: 'customer_support',
  version: 1,
  description: 'What a customer asks support for, and how content they are with the answers: last 60 days.',
  owner: 'support-operations',
  entity: customer,
  ttlSeconds: DAILY_TTL_SECONDS,
  sources: [
    { table: 'accounts', lookBackDays: 1 },
    { table: 'support', lookBackDays: 60 },
  ],
  transformation: transformationOf('customer_support'),
  checks: CUSTOMER_CHECKS,
  // A day's delay changes little in 60 days.
  whenLate: 'use-previous',
  features: [
    {
      name: 'tickets_14d',
      type: 'int32',
      description: 'Tickets opened, last 14 days.',
      checks: { maxNullShare: 0, min: 0, max: 1000 },
    },
    {
      name: 'tickets_60d',
      type: 'int32',
      description: 'Tickets opened, last 60 days.',
      checks: { maxNullShare: 0, min: 0, max: 1000 },
    },
    {
      name: 'urgent_tickets_60d',
      type: 'int32',
      description: 'Urgent tickets opened, last 60 days.',
      checks: { maxNullShare: 0, min: 0, max: 1000 },
    },
    {
      name: 'satisfaction_60d',
      type: 'double',
      description: 'Mean rating (1 to 5) of answered tickets, last 60 days; missing where none was rated.',
      checks: { min: 1, max: 5 },
    },
    {
      name: 'days_since_ticket',
      type: 'int32',
      description: 'Days since the last ticket; missing without one in 60 days.',
      checks: { min: 0, max: 59 },
    },
  ],
  tags: { domain: 'support' },
};
