import type { Day } from '../../contracts/days';

/** Day number 0 of every sample: what happens on a day does not depend on which days were asked for. */
export const ORIGIN: Day = '2020-01-01';

/**
 * `unit(name, i)` is a uniform draw in [0, 1) and `normal(name, i)` a standard normal one, derived from the seed and
 * their arguments alone: the same request gives the same rows on any number of threads.
 */
export const macros = (seed: number): string[] => [
  `CREATE MACRO unit(name, i) AS
     ('0x' || md5(concat_ws('|', '${seed}', name, i))[1:13])::BIGINT / 4503599627370496.0`,
  `CREATE MACRO normal(name, i) AS
     sqrt(-2 * ln(1 - unit(name || ' radius', i))) * cos(2 * pi() * unit(name || ' angle', i))`,
  `CREATE MACRO plan_of(i) AS
     CASE WHEN unit('plan', i) < 0.40 THEN 'starter' WHEN unit('plan', i) < 0.72 THEN 'team'
          WHEN unit('plan', i) < 0.93 THEN 'business' ELSE 'enterprise' END`,
  `CREATE MACRO contract_of(i) AS
     CASE WHEN unit('contract', i) < 0.55 THEN 'monthly' WHEN unit('contract', i) < 0.88 THEN 'annual'
          ELSE 'two-year' END`,
  `CREATE MACRO autopay_of(i) AS unit('autopay', i) < 0.6`,
  // The chance of leaving within a month rises with discontent, short contracts and small plans.
  `CREATE MACRO monthly_hazard(i) AS
     0.13 * exp(
       1.1 * normal('discontent', i) - 0.45 * normal('engagement', i)
       + CASE contract_of(i) WHEN 'monthly' THEN 0.75 WHEN 'annual' THEN -0.5 ELSE -1.3 END
       + CASE plan_of(i) WHEN 'starter' THEN 0.3 WHEN 'enterprise' THEN -0.7 ELSE 0 END
       + CASE WHEN autopay_of(i) THEN -0.25 ELSE 0.25 END)`,
  `CREATE MACRO days_stayed(i) AS
     10 + floor(least(-ln(1 - unit('stays', i)) * 30 / monthly_hazard(i), 20000))::INTEGER`,
];

/**
 * Who was ever a customer up to day number `$last`, and when they leave (perhaps later than that). As many are there at
 * a time as were asked for: some weeks after one has left, another takes the place.
 *
 * Most of those who leave fade for some weeks before: use falls, tickets and failed payments rise. Some leave without a
 * sign, and some who stay fade for a while as well; that is what no model can tell.
 */
export const CUSTOMERS = `
CREATE TABLE customers AS
WITH RECURSIVE lives AS (
  SELECT place AS i, floor(400 * unit('first', place))::INTEGER AS joins_at,
    floor(400 * unit('first', place))::INTEGER + days_stayed(place) AS leaves_at
  FROM range(1, $customers + 1) AS t(place)
  UNION ALL
  SELECT next.i, next.joins_at, next.joins_at + days_stayed(next.i) AS leaves_at
  FROM (SELECT i + $customers AS i, leaves_at + 3 + floor(25 * unit('gap', i))::INTEGER AS joins_at
        FROM lives WHERE leaves_at <= $last) AS next
)
SELECT
  i, joins_at, leaves_at,
  printf('C%06d', i) AS customer_id,
  plan_of(i) AS plan,
  CASE WHEN unit('region', i) < 0.42 THEN 'na' WHEN unit('region', i) < 0.74 THEN 'emea'
       WHEN unit('region', i) < 0.91 THEN 'apac' ELSE 'latam' END AS region,
  contract_of(i) AS contract,
  autopay_of(i) AS autopay,
  1 + floor(exp(0.9 + 0.9 * normal('seats', i)))::INTEGER AS seats,
  normal('engagement', i) AS engagement,
  normal('discontent', i) AS discontent,
  round((1 + floor(exp(0.9 + 0.9 * normal('seats', i))))
    * CASE plan_of(i) WHEN 'starter' THEN 9 WHEN 'team' THEN 15 WHEN 'business' THEN 24 ELSE 32 END
    * CASE contract_of(i) WHEN 'monthly' THEN 1.0 WHEN 'annual' THEN 0.85 ELSE 0.75 END, 2) AS monthly_price,
  20 + 40 * unit('fade length', i) AS fade_days,
  CASE WHEN unit('silent', i) < 0.15 THEN 0.05 ELSE 0.4 + 0.6 * unit('fade depth', i) END AS fade_depth
FROM lives
WHERE leaves_at > $first - 100 AND joins_at <= $last
ORDER BY i`;

const SPELL_DAYS = 160;

/**
 * How far customer `c` has faded on day `d`, 0 … 1: towards the end; or, in one spell of 160 days in three, for no
 * lasting reason.
 */
export const FADING = `greatest(
  c.fade_depth * greatest(0, 1 - (c.leaves_at - d) / c.fade_days),
  CASE WHEN unit('false fade', c.i * 1000 + d // ${SPELL_DAYS}) < 0.33
       THEN c.fade_depth * greatest(0, 1 - abs(d % ${SPELL_DAYS} - 30 - 100 * unit('false fade day', c.i)) / 30)
       ELSE 0 END)`;
