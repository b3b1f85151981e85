SELECT event_id, customer_id, text
FROM events
WHERE dt = $day::DATE
