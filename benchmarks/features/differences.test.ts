import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { literal, withDatabase } from '../../platform/duckdb';
import { FEATURE_NAMES, JOIN_KEY, joinedView } from './data';
import { countDifferences } from './differences';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meridian-differences-'));
});
afterAll(() => rm(folder, { recursive: true }));

const features = FEATURE_NAMES.map((name) => `frame_row / 3.0 AS ${joinedView.name}__${name}`).join(', ');
const answer = `SELECT frame_row, 'C' || frame_row AS ${JOIN_KEY},
  TIMESTAMPTZ '2026-10-01T00:00:00Z' + to_seconds(frame_row) AS event_timestamp, ${features}
  FROM range(10) AS frame(frame_row)`;
const first = `${joinedView.name}__${FEATURE_NAMES[0]!}`;

async function write(name: string, query: string): Promise<string> {
  const path = join(folder, `${name}.parquet`);
  await withDatabase((database) => database.execute(`COPY (${query}) TO ${literal(path)} (FORMAT parquet)`));
  return path;
}

it.each([
  ['nothing', answer, 0],
  ['nothing but the order', `FROM (${answer}) ORDER BY frame_row DESC`, 0],
  [
    'a value',
    `SELECT * REPLACE (CASE WHEN frame_row = 4 THEN 1 ELSE ${first} END AS ${first}) FROM (${answer})`,
    1,
  ],
  ['a value that is missing', `SELECT * REPLACE (nullif(${first}, 2) AS ${first}) FROM (${answer})`, 1],
  [
    'a time',
    `SELECT * REPLACE (event_timestamp + INTERVAL 1 MICROSECOND AS event_timestamp) FROM (${answer})`,
    10,
  ],
  ['rows that are missing', `FROM (${answer}) WHERE frame_row > 2`, 3],
  ['rows that are there twice', `FROM (${answer}) UNION ALL FROM (${answer}) WHERE frame_row > 7`, 2],
])('counts the rows that differ in %s', async (_, other, count) => {
  const [plain, different] = [await write('plain', answer), await write('different', other)];
  expect(await countDifferences(plain, plain, different)).toBe(count);
  expect(await countDifferences(plain, different, plain)).toBe(count);
});

it('counts rows as different that both answers lack', async () => {
  const [frame, less] = [await write('frame', answer), await write('less', `FROM (${answer}) LIMIT 6`)];
  expect(await countDifferences(frame, less, less)).toBe(4);
});
