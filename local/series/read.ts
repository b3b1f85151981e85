import { stat } from 'node:fs/promises';
import { show } from '../../contracts/errors';
import { identifier, literal, type Database } from '../../platform/duckdb';
import { wrong } from './errors';

/** Which columns of the files say what. */
export interface SeriesColumns {
  time: string;
  value: string;
  /** Where one file holds several series: the column with their names. Without it each file is one, named by it. */
  series?: string;
  /** The zone of times that name none, such as `Europe/Berlin`; default: UTC. */
  zone?: string;
}

const HAS_OFFSET = String.raw`'\d{2}:\d{2}.*([Zz]|[+-]\d{2}(:?\d{2})?)$'`;

/**
 * Adds the points of a CSV file to the table `points`: series, time, value, and `dt`, the day in UTC. A row without a value is
 * a point that is missing.
 * @throws MeridianError InvalidInput naming the file, and the row where one is wrong: a time or a value that is none, a time
 * that does not come after the one before.
 */
export async function readPoints(
  database: Database,
  file: string,
  series: string,
  columns: SeriesColumns,
): Promise<void> {
  await readCsv(database, file, columns);
  const name = columns.series === undefined ? literal(series) : `trim(${identifier(columns.series)})`;
  const text = `trim(${identifier(columns.time)})`;
  const { zone = 'UTC' } = columns;
  await database.execute(
    `CREATE OR REPLACE TABLE parsed AS
       SELECT row, ${name} AS series, ${text} AS written, trim(${identifier(columns.value)}) AS number,
         CASE WHEN regexp_matches(${text}, ${HAS_OFFSET}) THEN TRY_CAST(${text} AS TIMESTAMPTZ)
              ELSE timezone(${literal(zone)}, TRY_CAST(${text} AS TIMESTAMP)) END AS "time",
         TRY_CAST(number AS DOUBLE) AS value
       FROM csv`,
  );
  await refuseRows(database, file, columns);
  await refuseBackwards(database, file);
  await database.execute(
    `INSERT INTO points SELECT series, "time", value, CAST("time" AS DATE) FROM parsed WHERE number <> ''`,
  );
}

/** The file's cells as texts, and the number of each row, in the table `csv`. */
async function readCsv(database: Database, file: string, columns: SeriesColumns): Promise<void> {
  const bytes = await stat(file).then(
    (found) => (found.isFile() ? found.size : null),
    () => null,
  );
  if (bytes === null) throw wrong(file, 'no such file', 'a CSV file with a header and rows');
  try {
    await database.execute(
      `CREATE OR REPLACE TABLE csv AS SELECT *, row_number() OVER () + 1 AS row
         FROM read_csv(${literal(file)}, header = true, all_varchar = true, parallel = false)`,
    );
  } catch (cause) {
    throw wrong(file, `${bytes} bytes that are no CSV table`, 'a CSV file with a header and rows', cause);
  }
  const found = (await database.rows<{ column_name: string }>('DESCRIBE csv'))
    .map(({ column_name }) => column_name)
    .filter((column) => column !== 'row');
  for (const column of [columns.time, columns.value, ...(columns.series ? [columns.series] : [])]) {
    if (!found.includes(column)) throw wrong(file, `no column ${show(column)}`, `one of ${found.join(', ')}`);
  }
  const { rows } = await database.row<{ rows: number }>('SELECT count(*) AS rows FROM csv');
  if (rows === 0) throw wrong(file, 'a header and no rows', 'points');
}

async function refuseRows(database: Database, file: string, columns: SeriesColumns): Promise<void> {
  const [bad] = await database.rows<{ row: number; written: string; number: string; what: string }>(
    `SELECT row, coalesce(written, '') AS written, coalesce(number, '') AS number,
       CASE WHEN "time" IS NULL THEN 'time' WHEN series IS NULL OR series = '' THEN 'series' ELSE 'value' END AS what
     FROM parsed
     WHERE "time" IS NULL OR series IS NULL OR series = '' OR (number <> '' AND NOT coalesce(isfinite(value), false))
     ORDER BY row LIMIT 1`,
  );
  if (!bad) return;
  const where = `${file}, row ${bad.row}`;
  if (bad.what === 'time')
    throw wrong(where, `the ${columns.time} ${show(bad.written)}`, 'a time such as 2026-11-20T14:30:00Z');
  if (bad.what === 'series') throw wrong(where, `no ${columns.series}`, 'the name of a series in every row');
  throw wrong(where, `the ${columns.value} ${show(bad.number)}`, 'a finite number, or nothing');
}

/** A clock that was set back writes an hour twice: which of both is meant, nobody knows. */
async function refuseBackwards(database: Database, file: string): Promise<void> {
  const [bad] = await database.rows<{
    row: number;
    series: string;
    written: string;
    before: string;
    seconds: number;
  }>(
    `SELECT row, series, written, before, seconds FROM (
       SELECT row, series, written, lag(written) OVER follows AS before,
         epoch("time") - epoch(lag("time") OVER follows) AS seconds
       FROM parsed WINDOW follows AS (PARTITION BY series ORDER BY row))
     WHERE seconds <= 0 ORDER BY row LIMIT 1`,
  );
  if (!bad) return;
  const found =
    bad.seconds === 0
      ? `the time ${show(bad.written)} of the series ${show(bad.series)} twice`
      : `the time ${show(bad.written)} of the series ${show(bad.series)} after ${show(bad.before)}`;
  throw wrong(
    `${file}, row ${bad.row}`,
    found,
    'each time after the one before (where a clock was set back: times in UTC, or with their offset)',
  );
}
