import type { Inputs } from './training-program';

/**
 * Customers made up from their number alone, so that every run makes the same: numbers (one whole), a boolean, a
 * category, each with blanks, two rows a customer; the label follows them in part.
 */
export const madeUpInputs: Inputs = [
  { name: 'tenure', type: 'number' },
  { name: 'usage_hours', type: 'number' },
  { name: 'auto_renew', type: 'boolean' },
  { name: 'plan', type: 'category' },
];

/** The k-th draw of a row, uniform in [0, 1]. */
const uniform = (k: number) => `((hash(customer * 100 + month * 10 + ${k}) % 1000003) / 1000003.0)`;

export const madeUpCustomers = (customers: number): string => `
  WITH features AS (
    SELECT 'c' || customer AS customer_id, TIMESTAMPTZ '2026-01-01' + to_months(month::INT) AS event_timestamp,
      CASE WHEN ${uniform(1)} > 0.05 THEN (${uniform(2)} * 60)::BIGINT END AS tenure,
      CASE WHEN ${uniform(3)} > 0.1 THEN -20 * ln(1.001 - ${uniform(4)}) END AS usage_hours,
      CASE WHEN ${uniform(5)} > 0.08 THEN ${uniform(6)} < 0.6 END AS auto_renew,
      CASE WHEN ${uniform(7)} > 0.05
        THEN ['basic', 'plus', 'team', 'größe'][1 + floor(${uniform(8)} * 3.999)::INT] END AS plan,
      ${uniform(9)} AS luck, hash(customer + 7) % 100 AS place
    FROM range(${customers}) AS c(customer), range(2) AS m(month)
  )
  SELECT customer_id, event_timestamp, tenure, usage_hours, auto_renew, plan,
    (luck < 1 / (1 + exp(0.04 * coalesce(tenure, 20) + 0.03 * coalesce(usage_hours, 10) - 0.7
      + CASE WHEN auto_renew THEN 0.8 ELSE 0 END - CASE plan WHEN 'basic' THEN 1.2 ELSE 0 END)))::INT AS label,
    CASE WHEN place < 20 THEN 'test' WHEN place < 35 THEN 'validation' ELSE 'train' END AS split
  FROM features`;
