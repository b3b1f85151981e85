WITH invoices AS (
  SELECT
    customer_id,
    count(*) AS invoices,
    count(*) FILTER (status = 'failed') AS failed,
    count(*) FILTER (status = 'late') AS late,
    -- Cents are exact in a decimal, whatever the order of the sum.
    sum(amount::DECIMAL(12, 2)) AS amount,
    sum(amount::DECIMAL(12, 2)) FILTER (status = 'failed') AS unpaid,
    max(dt) AS last_day
  FROM billing
  GROUP BY customer_id
)
SELECT
  accounts.customer_id,
  coalesce(invoices.invoices, 0) AS invoices_60d,
  coalesce(invoices.failed, 0) AS failed_payments_60d,
  coalesce(invoices.late, 0) AS late_payments_60d,
  round(invoices.amount::DOUBLE / invoices.invoices, 2) AS average_invoice_60d,
  coalesce(invoices.unpaid, 0) AS unpaid_amount,
  date_diff('day', invoices.last_day, $day::DATE) AS days_since_invoice
FROM accounts
LEFT JOIN invoices USING (customer_id)
WHERE accounts.dt = $day::DATE
  AND accounts.churned_on IS NULL
