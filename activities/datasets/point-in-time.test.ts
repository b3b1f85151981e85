import * as fc from 'fast-check';
import type { FeatureView } from '../../contracts/model';
import { withDatabase, type Database } from '../../platform/duckdb';
import { pointInTimeJoin } from './point-in-time';

interface FeatureRow {
  a: string | null;
  b: number | null;
  event: number | null;
  created: number;
  value: number | null;
}
interface FrameRow {
  a: string | null;
  b: number | null;
  at: number;
}

const viewOf = (name: string, ttlSeconds: number, keys: ('a' | 'b')[]): FeatureView => ({
  name,
  version: 1,
  description: '',
  owner: 'tests',
  entity: {
    name: 'e',
    joinKeys: keys.map((key) => ({ name: key, type: key === 'a' ? 'string' : 'int64' })),
  },
  ttlSeconds,
  features: [{ name: 'value', type: 'double' }],
  sources: [],
  transformation: null,
});

/** The obviously correct answer: look at every row. */
function plainJoin(
  frame: FrameRow,
  keys: readonly ('a' | 'b')[],
  ttl: number,
  rows: readonly FeatureRow[],
): number | null {
  const fitting = rows.filter(
    (row) =>
      keys.every((key) => row[key] !== null && row[key] === frame[key]) &&
      row.event !== null &&
      row.event <= frame.at &&
      (ttl === 0 || row.event >= frame.at - ttl),
  );
  fitting.sort((x, y) => y.event! - x.event! || y.created - x.created);
  return fitting[0]?.value ?? null;
}

const a = fc.constantFrom('x', 'y', null);
const b = fc.constantFrom(1, 2, null);
const seconds = fc.integer({ min: 0, max: 12 });
const featureRows = fc
  .array(fc.record({ a, b, event: fc.option(seconds, { freq: 8 }), value: fc.option(fc.integer()) }), {
    maxLength: 25,
  })
  // Created times differ, so that every tie has one answer.
  .map((rows) => rows.map((row, index) => ({ ...row, created: (index * 7) % 26 })));
const frameRows = fc.array(fc.record({ a, b, at: seconds }), { minLength: 1, maxLength: 15 });

const values = (rows: readonly object[], columns: string): string =>
  rows.length === 0
    ? `(SELECT NULL::VARCHAR AS a, NULL::BIGINT AS b, NULL::TIMESTAMPTZ AS event_timestamp,
         NULL::TIMESTAMPTZ AS created_timestamp, NULL::DOUBLE AS value WHERE false)`
    : `(SELECT * FROM (VALUES ${rows.map((row) => `(${Object.values(row).join(', ')})`).join(', ')}) AS t(${columns}))`;

const instant = (second: number | null): string =>
  second === null ? 'NULL::TIMESTAMPTZ' : `make_timestamptz(${second * 1_000_000}::BIGINT)`;
const text = (value: string | null): string => (value === null ? 'NULL::VARCHAR' : `'${value}'`);

async function define(database: Database, name: string, rows: readonly FeatureRow[]): Promise<void> {
  const cells = rows.map((row) => ({
    a: text(row.a),
    b: `${row.b}::BIGINT`,
    event: instant(row.event),
    created: instant(row.created),
    value: `${row.value}::DOUBLE`,
  }));
  await database.execute(
    `CREATE OR REPLACE TABLE ${name} AS SELECT * FROM ${values(cells, 'a, b, event_timestamp, created_timestamp, value')}`,
  );
}

it('joins as a plain model does: several views, ttl and keys, ties, nulls, both ends of the window', async () => {
  await withDatabase(async (database) => {
    await fc.assert(
      fc.asyncProperty(
        frameRows,
        featureRows,
        featureRows,
        fc.integer({ min: 0, max: 6 }),
        async (frame, first, second, ttl) => {
          await define(database, 'first', first);
          await define(database, 'second', second);
          const cells = frame.map((row, index) => [index, text(row.a), `${row.b}::BIGINT`, instant(row.at)]);
          await database.execute(
            `CREATE OR REPLACE TABLE frame AS SELECT * FROM ${values(cells, 'n, a, b, event_timestamp')}`,
          );
          const joined = pointInTimeJoin('frame', [
            {
              view: viewOf('first', ttl, ['a']),
              table: 'first',
              columns: [{ feature: 'value', as: 'one', sqlType: 'DOUBLE' }],
            },
            {
              view: viewOf('second', 0, ['a', 'b']),
              table: 'second',
              columns: [{ feature: 'value', as: 'two', sqlType: 'DOUBLE' }],
            },
          ]);
          const found = await database.rows(`SELECT n, one, two FROM (${joined}) ORDER BY n`);
          expect(found).toEqual(
            frame.map((row, n) => ({
              n,
              one: plainJoin(row, ['a'], ttl, first),
              two: plainJoin(row, ['a', 'b'], 0, second),
            })),
          );
        },
      ),
      { numRuns: 100 },
    );
  });
}, 60_000);
