import type { FeatureView } from '../../contracts/model';
import { CUSTOMER_CHECKS, DAILY_TTL_SECONDS, transformationOf } from '../defaults';
import { customer } from '../entities';

export const customerBilling: FeatureView = {
  name: 'customer_billing',
  version: 1,
  description: 'How a customer pays: invoices of the last 60 days.',
  owner: 'finance-data',
  entity: customer,
  ttlSeconds: DAILY_TTL_SECONDS,
  sources: [
    { table: 'accounts', lookBackDays: 1 },
    { table: 'billing', lookBackDays: 60 },
  ],
  transformation: transformationOf('customer_billing'),
  checks: CUSTOMER_CHECKS,
  // Payments are booked late; a day's delay changes little in 60 days.
  lookBackDays: 7,
  whenLate: 'use-previous',
  features: [
    {
      name: 'invoices_60d',
      type: 'int32',
      description: 'Invoices, last 60 days.',
      checks: { maxNullShare: 0, min: 0, max: 60 },
    },
    {
      name: 'failed_payments_60d',
      type: 'int32',
      description: 'Payments that failed, last 60 days.',
      checks: { maxNullShare: 0, min: 0, max: 60 },
    },
    {
      name: 'late_payments_60d',
      type: 'int32',
      description: 'Payments after the due date, last 60 days.',
      checks: { maxNullShare: 0, min: 0, max: 60 },
    },
    {
      name: 'average_invoice_60d',
      type: 'double',
      description: 'Mean invoice in dollars, last 60 days; missing without an invoice.',
      checks: { min: 0 },
    },
    {
      name: 'unpaid_amount',
      type: 'double',
      description: 'Dollars of the last 60 days whose payment failed.',
      checks: { maxNullShare: 0, min: 0 },
    },
    {
      name: 'days_since_invoice',
      type: 'int32',
      description: 'Days since the last invoice; missing without one in 60 days.',
      checks: { min: 0, max: 59 },
    },
  ],
  tags: { domain: 'billing' },
};
