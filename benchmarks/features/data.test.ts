import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetFiles, withDatabase, type PlainRow } from '../../platform/duckdb';
import { JOIN_KEY, makeData, type BenchmarkData } from './data';
import { QUICK } from './sizes';

const SIZES = { ...QUICK, entities: 200, days: 4, histories: [2, 5, 6] as const, frameRows: 500 };
const folders: string[] = [];
let data: BenchmarkData;

async function make(): Promise<BenchmarkData> {
  const folder = await mkdtemp(join(tmpdir(), 'meridian-data-'));
  folders.push(folder);
  return makeData(folder, SIZES);
}
const query = (sql: string): Promise<PlainRow[]> => withDatabase((database) => database.rows(sql));
const digest = (files: string[]): Promise<PlainRow[]> =>
  query(`SELECT count(*) AS rows, bit_xor(hash(t)) AS digest FROM ${parquetFiles(files)} AS t`);

beforeAll(async () => {
  data = await make();
});
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

it('makes the same twice', async () => {
  const again = await make();
  expect(await digest(again.corrected.files)).toEqual(await digest(data.corrected.files));
  expect(await digest([again.frame])).toEqual(await digest([data.frame]));
});

it('corrects rows at their own event time, with other values, later', async () => {
  const [found] = await query(
    `SELECT count(*) AS corrections, count(*) FILTER (b.f0 IS DISTINCT FROM a.f0 + 1000) AS strange
     FROM ${parquetFiles(data.table.files)} AS a JOIN ${parquetFiles(data.corrected.files)} AS b
       USING (${JOIN_KEY}, event_timestamp) WHERE b.created_timestamp > a.created_timestamp`,
  );
  expect(found).toEqual({ corrections: data.corrected.rows - data.table.rows, strange: 0 });
  expect(found!['corrections']).toBeGreaterThan(0);
});

it('gives every entity a newer row in the newer table', async () => {
  const newest = (files: string[]) =>
    `(SELECT ${JOIN_KEY}, max(event_timestamp) AS newest FROM ${parquetFiles(files)} GROUP BY ALL)`;
  const [found] = await query(
    `SELECT count(*) AS entities, count(*) FILTER (a.newest IS NULL OR b.newest > a.newest) AS newer
     FROM ${newest(data.newer.files)} AS b LEFT JOIN ${newest(data.table.files)} AS a USING (${JOIN_KEY})`,
  );
  expect(found).toEqual({ entities: SIZES.entities, newer: SIZES.entities });
});

it('asks for entities with and without a history', async () => {
  const [found] = await query(
    `SELECT count(*) AS rows, count(*) FILTER (${JOIN_KEY} NOT IN
       (SELECT ${JOIN_KEY} FROM ${parquetFiles(data.table.files)})) AS unknown FROM ${parquetFiles([data.frame])}`,
  );
  expect(found!['rows']).toBe(SIZES.frameRows);
  expect(found!['unknown']).toBeGreaterThan(0);
  expect(found!['unknown']).toBeLessThan(SIZES.frameRows / 10);
});
