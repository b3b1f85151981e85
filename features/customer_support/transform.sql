WITH tickets AS (
  SELECT
    customer_id,
    count(*) FILTER (date_diff('day', dt, $day::DATE) < 14) AS tickets_14d,
    count(*) AS tickets_60d,
    count(*) FILTER (severity = 'urgent') AS urgent_tickets_60d,
    sum(rating) / count(rating) AS satisfaction_60d,
    max(dt) AS last_day
  FROM support
  GROUP BY customer_id
)
SELECT
  accounts.customer_id,
  coalesce(tickets.tickets_14d, 0) AS tickets_14d,
  coalesce(tickets.tickets_60d, 0) AS tickets_60d,
  coalesce(tickets.urgent_tickets_60d, 0) AS urgent_tickets_60d,
  tickets.satisfaction_60d,
  date_diff('day', tickets.last_day, $day::DATE) AS days_since_ticket
FROM accounts
LEFT JOIN tickets USING (customer_id)
WHERE accounts.dt = $day::DATE
  AND accounts.churned_on IS NULL
