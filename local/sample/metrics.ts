import { ORIGIN } from './customers';

/** Seconds between two points of a series. */
const EVERY_SECONDS = 300;

const STEPS = 86_400 / EVERY_SECONDS;

/**
 * The series: the level that each swings around, how far it swings by day and by week (shares of the level), the hour (UTC) at
 * which a day is at its height, and how much of it is noise.
 */
const SERIES = [
  { name: 'api.requests_per_minute', level: 1_800, daily: 0.45, weekly: 0.2, peak: 15, noise: 0.03 },
  { name: 'api.latency_p95_ms', level: 140, daily: 0.2, weekly: 0.06, peak: 16, noise: 0.04 },
  { name: 'api.errors_per_minute', level: 24, daily: 0.3, weekly: 0.15, peak: 15, noise: 0.08 },
  { name: 'checkout.payments_per_hour', level: 320, daily: 0.5, weekly: 0.25, peak: 19, noise: 0.05 },
  { name: 'database.connections', level: 90, daily: 0.3, weekly: 0.12, peak: 14, noise: 0.03 },
  { name: 'jobs.queue_depth', level: 60, daily: 0.35, weekly: 0.1, peak: 3, noise: 0.07 },
] as const;

/** Once in so many days, something goes wrong in one of them. */
const INCIDENT_DAYS = 2;

const NAMES = SERIES.map(({ name }) => `'${name}'`).join(', ');

/** Macros on which the queries rest, beside those of the customers; incident `s` happens in the s-th `INCIDENT_DAYS`. */
export const metricMacros = (): string[] => [
  // Part of the noise lasts: from one whole hour to the next it goes in a straight line.
  `CREATE MACRO lasting_noise(name, h, share) AS
     (1 - share) * normal(name || ' hour', h) + share * normal(name || ' hour', h + 1)`,
  `CREATE MACRO incident_day(s) AS s * ${INCIDENT_DAYS} + floor(${INCIDENT_DAYS} * unit('day of incident', s))::INTEGER`,
  `CREATE MACRO incident_series(s) AS
     [${NAMES}][1 + floor(${SERIES.length} * unit('series of incident', s))::INTEGER]`,
  // Half an hour to an hour, which ends on the day that it began on.
  `CREATE MACRO incident_steps(s) AS 6 + floor(7 * unit('length of incident', s))::INTEGER`,
  `CREATE MACRO incident_start(s) AS floor((${STEPS} - incident_steps(s)) * unit('start of incident', s))::INTEGER`,
  // What goes wrong falls to less than half, or rises to twice and more.
  `CREATE MACRO incident_factor(s) AS CASE WHEN unit('direction of incident', s) < 0.4
     THEN 0.1 + 0.35 * unit('depth of incident', s) ELSE 2 + 1.5 * unit('depth of incident', s) END`,
];

const moment = (d: string, step: string): string =>
  `((DATE '${ORIGIN}' + (${d})::INTEGER)::TIMESTAMP + to_seconds(${EVERY_SECONDS} * (${step}))) AT TIME ZONE 'UTC'`;

const ROWS = SERIES.map(
  ({ name, level, daily, weekly, peak, noise }) =>
    `('${name}', ${level}::DOUBLE, ${daily}::DOUBLE, ${weekly}::DOUBLE, ${peak}::DOUBLE, ${noise}::DOUBLE)`,
).join(', ');

/** Points of the platform's own metrics: a rhythm of days and of weeks, noise, and now and then an incident. */
export const METRICS = `
  WITH points AS (
    SELECT *, d // ${INCIDENT_DAYS} AS s, (step * ${EVERY_SECONDS}) / 3600.0 AS hour
    FROM (VALUES ${ROWS}) AS named(name, level, daily, weekly, peak, noise),
      range($first, $last + 1) AS days(d), range(${STEPS}) AS steps(step)
  )
  SELECT DATE '${ORIGIN}' + d::INTEGER AS dt, name AS series, ${moment('d', 'step')} AS "time",
    round(level
      * (1 + daily * cos(2 * pi() * (hour - peak) / 24) + weekly * cos(2 * pi() * (d + hour / 24) / 7))
      * exp(noise * (normal(name, d * ${STEPS} + step) + 0.8 * lasting_noise(name, d * 24 + floor(hour)::BIGINT, hour % 1)))
      * CASE WHEN d = incident_day(s) AND name = incident_series(s)
               AND step >= incident_start(s) AND step < incident_start(s) + incident_steps(s)
             THEN incident_factor(s) ELSE 1 END, 3)::DOUBLE AS value
  FROM points`;

/** The incidents, from the first point to the last, as people found them: on the day itself. */
export const INCIDENTS = `
  SELECT DATE '${ORIGIN}' + d::INTEGER AS dt, incident_series(s) AS series,
    ${moment('d', 'incident_start(s)')} AS starts_at,
    ${moment('d', 'incident_start(s) + incident_steps(s) - 1')} AS ends_at
  FROM (SELECT d, d // ${INCIDENT_DAYS} AS s FROM range($first, $last + 1) AS t(d))
  WHERE d = incident_day(s)`;
