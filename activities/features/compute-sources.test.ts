import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApplicationFailure } from '@temporalio/common';
import { withDatabase } from '../../platform/duckdb';
import { toFailure } from '../../platform/temporal';
import { runTransformation } from './compute-sources';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'meridian-sources-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const ROWS = `SELECT 'it''s anna@example.org' AS email, 4915112345678 AS phone, '{bad anna' AS note`;

/** What gets into a history where a transformation fails on rows of two partitions. */
const failureOf = (sql: string): Promise<ApplicationFailure> =>
  withDatabase(async (database) => {
    const path = join(folder, 'part-0.parquet');
    await database.execute(`COPY (${ROWS}) TO '${path}' (FORMAT parquet)`);
    const { size: bytes } = statSync(path);
    const sources = ['2026-03-02', '2026-03-01'].map((day) => {
      return { key: `raw/people/dt=${day}/part-0.parquet`, path, bytes, etag: '' };
    });
    await database.execute(`CREATE VIEW people AS FROM read_parquet('${path}')`);
    return runTransformation(database, sources, sql, '2026-03-02', 'features/account').then(
      () => Promise.reject(new Error('It did not fail.')),
      (error: unknown) => toFailure(error) as ApplicationFailure,
    );
  });

it.each([
  [
    'SELECT email::INT AS age FROM people',
    'Conversion Error: Could not convert string to INT32 from the column email',
  ],
  ['SELECT phone::INT AS age FROM people', 'to INT32 from the column phone, at line 1 of the SQL'],
  [`SELECT note->>'$.age' AS age FROM people`, 'Invalid Input Error: Malformed JSON'],
])('tells of %j where and what, and no value, also not to a history', async (sql, told) => {
  const failure = await failureOf(sql);
  expect(failure).toMatchObject({ type: 'DataQualityBreach', nonRetryable: true, cause: undefined });
  expect(failure.message).toContain(
    'features/account: the transformation for 2026-03-02 failed on the rows of raw/people (dt=2026-03-01 to dt=2026-03-02): ',
  );
  expect(failure.message).toContain(told);
  expect(`${failure.message} ${failure.stack}`).not.toMatch(/anna|49151/);
});
