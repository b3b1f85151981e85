-- Of the customers there on the day itself: who left within the 30 days after it.
SELECT
  observed.customer_id,
  outcome.churned_on IS NOT NULL AND outcome.churned_on <= $day::DATE + 30 AS label
FROM accounts AS observed
JOIN accounts AS outcome
  ON outcome.customer_id = observed.customer_id AND outcome.dt = $day::DATE + 30
WHERE observed.dt = $day::DATE
  AND observed.churned_on IS NULL
