import { FADING, ORIGIN } from './customers';

const DATE_OF = (days: string): string => `(DATE '${ORIGIN}' + (${days})::INTEGER)`;

/** The end of a day (UTC), as SQL of its DATE. */
export const endOfDaySql = (day: string): string => `((${day} + 1)::TIMESTAMP AT TIME ZONE 'UTC')`;

/** A row a customer and day number `d` from `$first` to `$last` on which they are a customer. */
export const PRESENT = `
  SELECT c.*, d, ${DATE_OF('d')} AS dt, ${FADING} AS fading, c.i * 100000 + d AS draw
  FROM customers c, range($first, $last + 1) AS t(d)
  WHERE c.joins_at <= d AND d < c.leaves_at`;

/** Each raw table as a query over `customers`; `dt` is the partition's day. */
export const RAW_TABLES: Record<string, string> = {
  /** Who asked, on that day, to be left out of every dataset. */
  'opt-outs': `
    SELECT ${DATE_OF('d')} AS dt, customer_id
    FROM (SELECT *, joins_at + floor(700 * unit('opt-out day', i))::INTEGER AS d FROM customers)
    WHERE unit('opt-out', i) < 0.02 AND d BETWEEN $first AND $last AND d < leaves_at`,

  /** A snapshot a day; `churned_on` is set from that day on, and an account is dropped 90 days after it. */
  accounts: `
    SELECT
      ${DATE_OF('d')} AS dt,
      customer_id, plan, region, contract, autopay, seats, monthly_price,
      ${DATE_OF('joins_at')} AS signed_up_on,
      CASE WHEN leaves_at <= d THEN ${DATE_OF('leaves_at')} END AS churned_on
    FROM customers, range($first, $last + 1) AS t(d)
    WHERE joins_at <= d AND d < leaves_at + 90`,

  /** A row a customer a day. */
  usage: `
    WITH active AS (
      SELECT *,
        CASE WHEN unit('active', draw) < least(0.97,
               0.62 * exp(0.28 * engagement) * (1 - 0.8 * fading) * CASE WHEN dayofweek(dt) IN (0, 6) THEN 0.35 ELSE 1 END)
             THEN 1 + floor(least(-ln(1 - unit('sessions', draw)) * 1.6 * sqrt(seats) * exp(0.35 * engagement)
                                  * (1 - 0.7 * fading), 400))::INTEGER
             ELSE 0 END AS sessions
      FROM (${PRESENT})
    )
    SELECT
      dt, customer_id, sessions,
      round(sessions * 11 * exp(0.5 * (unit('minutes', draw) - 0.5) + 0.2 * engagement), 1) AS active_minutes,
      CASE WHEN sessions = 0 THEN 0
           ELSE 1 + floor(9 * unit('features', draw) * (1 - 0.5 * fading))::INTEGER END AS features_used,
      floor(sessions * unit('errors', draw) * 0.35 * exp(0.3 * discontent))::INTEGER AS errors
    FROM active`,

  /** An invoice every 30 days, on a day of the customer's own. */
  billing: `
    WITH graded AS (
      SELECT *, unit('payment', draw) AS payment,
        CASE WHEN autopay THEN 0.5 ELSE 1.5 END * exp(0.4 * discontent) * (0.02 + 0.16 * fading) AS failing
      FROM (${PRESENT} AND d % 30 = c.i % 30)
    )
    SELECT
      dt, customer_id, printf('I%012d', draw) AS invoice_id,
      round(monthly_price * (1 + 0.15 * unit('extras', draw)), 2) AS amount,
      CASE WHEN payment < failing THEN 'failed' WHEN payment < 3 * failing + 0.03 THEN 'late' ELSE 'paid' END AS status
    FROM graded`,

  /** A row a ticket; a third of them are never rated. */
  support: `
    SELECT
      dt, customer_id, printf('T%012d', draw) AS ticket_id,
      CASE WHEN unit('severity', draw) < 0.10 + 0.25 * fading THEN 'urgent'
           WHEN unit('severity', draw) < 0.55 THEN 'normal' ELSE 'low' END AS severity,
      CASE WHEN unit('topic', draw) < 0.3 THEN 'billing' WHEN unit('topic', draw) < 0.6 THEN 'how-to'
           WHEN unit('topic', draw) < 0.85 THEN 'defect' ELSE 'access' END AS topic,
      CASE WHEN unit('rated', draw) < 0.66
           THEN greatest(1, least(5, round(3.8 - 0.6 * discontent - 0.8 * fading + 0.9 * normal('rating', draw))))::INTEGER
      END AS rating
    FROM (${PRESENT})
    WHERE unit('ticket', draw) < 0.007 * exp(0.45 * discontent) + 0.035 * fading`,
};
