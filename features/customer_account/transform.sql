SELECT
  customer_id,
  plan,
  region,
  contract,
  autopay,
  date_diff('day', signed_up_on, $day::DATE) AS tenure_days,
  seats,
  monthly_price
FROM accounts
WHERE dt = $day::DATE
  AND churned_on IS NULL
