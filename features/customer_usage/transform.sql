WITH recent AS (
  SELECT
    customer_id,
    sum(sessions) FILTER (age < 7) AS sessions_7d,
    sum(sessions) FILTER (age < 28) AS sessions_28d,
    sum(sessions) FILTER (age >= 28) AS sessions_before,
    count(*) FILTER (age < 7 AND sessions > 0) AS active_days_7d,
    count(*) FILTER (age < 28 AND sessions > 0) AS active_days_28d,
    sum(active_minutes) FILTER (age < 28) AS active_minutes_28d,
    max(features_used) FILTER (age < 28) AS features_used_28d,
    sum(errors) FILTER (age < 28) AS errors_28d,
    min(age) FILTER (sessions > 0) AS days_since_active,
    min(age) AS days_since_seen
  FROM (SELECT *, date_diff('day', dt, $day::DATE) AS age FROM usage)
  GROUP BY customer_id
)
SELECT
  customer_id,
  active_days_7d,
  active_days_28d,
  coalesce(sessions_7d, 0) AS sessions_7d,
  coalesce(sessions_28d, 0) AS sessions_28d,
  -- Minutes are tenths: rounding undoes what the order of a parallel sum leaves in the last digits.
  round(coalesce(active_minutes_28d, 0), 1) AS active_minutes_28d,
  coalesce(features_used_28d, 0) AS features_used_28d,
  errors_28d / nullif(sessions_28d, 0) AS error_rate_28d,
  4 * sessions_7d / nullif(sessions_28d, 0) AS sessions_trend_7d,
  sessions_28d / nullif(sessions_before, 0) AS sessions_trend_28d,
  coalesce(days_since_active, 56) AS days_since_active
FROM recent
-- A customer who has left has no row on the day itself.
WHERE days_since_seen = 0
