import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { literal, openDatabase } from '../../../platform/duckdb';
import {
  BASE,
  plainJoin,
  SECOND,
  viewOf,
  writeFeatures,
  writeFrame,
  type Desk,
  type FeatureRow,
  type FrameRow,
} from '../../../tests/datasets/made-up-history';
import { historicalQuery } from './join';
import { localFiles } from './local';
import { featureColumns } from './types';

const a = fc.constantFrom('x', 'x', 'x', 'y', '', null);
const b = fc.constantFrom(1, 2, null);
// Close together, so that ties, both ends of a window and a microsecond beside them are common.
const time = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom(-1, 0, 0, 0, 0, 1))
  .map(([seconds, off]) => BASE + seconds * SECOND + off);
const maybeTime = fc.option(time, { freq: 8 });
const featureRows = fc.array(
  fc.record<FeatureRow>({
    a,
    b,
    event: maybeTime,
    created: maybeTime,
    real: fc.option(fc.double()),
    whole: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  }),
  { maxLength: 20 },
);
const frameRows = fc.array(fc.record<FrameRow>({ a, b, at: maybeTime }), { maxLength: 12 });
const asKnown = fc.oneof(
  fc.constant(undefined),
  fc.constant('row' as const),
  fc.integer({ min: 0, max: 4 }).map((s) => ({ at: new Date((BASE + s * SECOND) / 1000).toISOString() })),
);
const timeType = fc.constantFrom('TIMESTAMPTZ', 'TIMESTAMP', 'TIMESTAMP_NS');

let desk: Desk;
beforeAll(async () => {
  desk = {
    folder: await mkdtemp(join(tmpdir(), 'meridian-historical-')),
    database: await openDatabase(),
  };
});
afterAll(async () => {
  desk.database.close();
  await rm(desk.folder, { recursive: true, force: true });
});

it('joins as a plain model does: views with other keys and ttl, ties, nulls, files, zones, and cuts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        frame: frameRows,
        frameType: timeType,
        early: featureRows,
        late: featureRows,
        types: fc.tuple(timeType, timeType),
        others: featureRows,
        ttl: fc.integer({ min: 0, max: 3 }),
        asKnown,
      }),
      async (run) => {
        const files = await localFiles([
          await writeFeatures(desk, 'early.parquet', run.early, run.types[0]),
          await writeFeatures(desk, 'late.parquet', run.late, run.types[1]),
        ]);
        const others = await localFiles([
          await writeFeatures(desk, 'others.parquet', run.others, run.types[0]),
        ]);
        const query = await historicalQuery(desk.database, {
          frame: `read_parquet(${literal(await writeFrame(desk, run.frame, run.frameType))})`,
          frameName: 'frame',
          views: [
            {
              view: viewOf('first', ['a'], run.ttl),
              files,
              columns: featureColumns('first', ['real', 'whole']),
            },
            {
              view: viewOf('second', ['b', 'a'], 0),
              files: others,
              columns: featureColumns('second', ['whole']),
            },
          ],
          asKnown: run.asKnown,
        });
        const found = await desk.database.rows(query);
        expect(
          found.map(({ n, first__real, first__whole, second__whole }) => ({
            n,
            first__real,
            first__whole: big(first__whole),
            second__whole: big(second__whole),
          })),
        ).toEqual(
          run.frame.map((row, n) => {
            const first = plainJoin(row, ['a'], run.ttl, [...run.early, ...run.late], run.asKnown);
            const second = plainJoin(row, ['a', 'b'], 0, run.others, run.asKnown);
            return {
              n,
              first__real: first?.real ?? null,
              first__whole: first?.whole ?? null,
              second__whole: second?.whole ?? null,
            };
          }),
        );
      },
    ),
    { numRuns: 120 },
  );
}, 60_000);

const big = (value: unknown): bigint | null => (value === null ? null : BigInt(value as number | bigint));
