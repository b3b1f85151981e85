import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeatureView } from '../../../contracts/model';
import { identifier, literal, openDatabase } from '../../../platform/duckdb';
import {
  BASE,
  viewOf,
  writeFeatures,
  type Desk,
  type FeatureRow,
} from '../../../tests/datasets/made-up-history';
import { historicalQuery } from './join';
import { localFiles } from './local';
import { featureColumns } from './types';

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

describe('what it takes and gives', () => {
  const view = viewOf('v', ['a'], 0);
  const row: FeatureRow = { a: 'x', b: 1, event: BASE, created: BASE, real: 1.5, whole: 1n };
  const ask = async (
    frame: string,
    changes: { features?: string[]; view?: FeatureView; files?: string[] } = {},
  ) =>
    historicalQuery(desk.database, {
      frame,
      frameName: 'frame.parquet',
      views: [
        {
          view: changes.view ?? view,
          files: await localFiles(
            changes.files ?? [await writeFeatures(desk, 'v.parquet', [row], 'TIMESTAMPTZ')],
          ),
          columns: featureColumns('v', changes.features ?? ['real']),
        },
      ],
    });
  const frameOf = (columns: string): string => `(SELECT ${columns})`;
  const good = `'x' AS a, TIMESTAMPTZ '2026-03-09 00:00:00Z' AS event_timestamp`;

  it('keeps every column of the frame as it is, and every row, repeated ones too', async () => {
    const query = await ask(`(SELECT ${good}, [1, 2] AS list, 'Z' AS "A b" FROM range(3))`);
    const found = await desk.database.rows(`SELECT *, typeof(list) AS type FROM (${query})`);
    expect(found).toHaveLength(3);
    expect(Object.keys(found[0]!)).toEqual(['a', 'event_timestamp', 'list', 'A b', 'v__real', 'type']);
    expect(found[2]).toMatchObject({ 'A b': 'Z', v__real: 1.5, type: 'INTEGER[]' });
  });

  it('takes join keys by the names that its own work might use', async () => {
    const keys = ['id', 'place', 'event', 'created', 'rank', 'n', 'frame', 'entity', 'winner', 'v'];
    const named = keys.map((key) => `'x' AS "${key}"`).join(', ');
    const path = join(desk.folder, 'names.parquet');
    await desk.database.execute(
      `COPY (SELECT ${named}, TIMESTAMP '2026-03-08' AS event_timestamp, TIMESTAMP '2026-03-08' AS created_timestamp,
         1.5::DOUBLE AS real) TO ${literal(path)} (FORMAT parquet)`,
    );
    const joinKeys = keys.map((name) => ({ name, type: 'string' as const }));
    for (const asKnown of [undefined, 'row'] as const) {
      const query = await historicalQuery(desk.database, {
        frame: frameOf(`${named}, TIMESTAMP '2026-03-09' AS event_timestamp`),
        frameName: 'frame',
        views: [
          {
            view: { ...view, ttlSeconds: 864_000, entity: { name: 'e', joinKeys } },
            files: await localFiles([path]),
            columns: featureColumns('v', ['real']),
          },
        ],
        asKnown,
      });
      expect((await desk.database.row(query))['v__real']).toBe(1.5);
    }
  });

  it.each([
    ['no event_timestamp', `'x' AS a`, /frame\.parquet: found no column event_timestamp/],
    [
      'an event_timestamp that is text',
      `'x' AS a, '2026-03-09' AS event_timestamp`,
      /event_timestamp as VARCHAR/,
    ],
    [
      'no join key',
      `TIMESTAMP '2026-03-09' AS event_timestamp`,
      /no column a, expected a: the string join key of v/,
    ],
    [
      'a join key of another type',
      `1 AS a, TIMESTAMP '2026-03-09' AS event_timestamp`,
      /the column a as INTEGER/,
    ],
    ['a column named like a result', `${good}, 1 AS "V__Real"`, /v__real twice/],
    ['a column that the join needs', `${good}, 1 AS __row`, /__row twice/],
  ])('refuses a frame with %s', async (_what, columns, message) => {
    await expect(ask(frameOf(columns))).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(message),
    });
  });

  it('refuses a feature that the view does not have, and one asked for twice', async () => {
    await expect(ask(frameOf(good), { features: ['real', 'reel'] })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('found no feature "reel", expected one of real, whole'),
    });
    await expect(ask(frameOf(good), { features: ['real', 'real'] })).rejects.toMatchObject({
      code: 'InvalidInput',
    });
  });

  it.each([
    [
      'of another type',
      `'x' AS a, now() AS event_timestamp, now() AS created_timestamp, 'one' AS real`,
      /real as VARCHAR/,
    ],
    [
      'without the join key',
      `now() AS event_timestamp, now() AS created_timestamp, 1.5 AS real`,
      /no column a/,
    ],
    ['without a time', `'x' AS a, 1.5 AS real`, /no column event_timestamp/],
    ['whose key has another type', `1 AS a, now() AS event_timestamp, 1.5 AS real`, /a as INTEGER/],
    [
      'with a column of the reader',
      `'x' AS a, now() AS event_timestamp, 1.5 AS real, 1 AS file_index`,
      /file_index/,
    ],
  ])('names the partition %s', async (_what, columns, message) => {
    const other = join(desk.folder, 'other.parquet');
    await desk.database.execute(`COPY (SELECT ${columns}) TO ${literal(other)} (FORMAT parquet)`);
    const files = [await writeFeatures(desk, 'v.parquet', [row], 'TIMESTAMPTZ'), other];
    await expect(ask(frameOf(good), { files })).rejects.toMatchObject({
      code: 'CorruptObject',
      message: expect.stringMatching(new RegExp(`^${other}: found .*${message.source}`)),
    });
  });

  it('takes a feature for null where a partition is older than it, and refuses one that no partition has', async () => {
    const old = join(desk.folder, 'old.parquet');
    await desk.database.execute(
      `COPY (SELECT 'y' AS a, TIMESTAMP '2026-03-08' AS event_timestamp, 1::FLOAT AS real) TO ${literal(old)} (FORMAT parquet)`,
    );
    const files = [old, await writeFeatures(desk, 'v.parquet', [row], 'TIMESTAMPTZ')];
    const frame = `(SELECT unnest(['x', 'y']) AS a, TIMESTAMP '2026-03-09' AS event_timestamp)`;
    const found = await desk.database.rows(await ask(frame, { files, features: ['real', 'whole'] }));
    expect(found.map(({ v__real, v__whole }) => [v__real, v__whole])).toEqual([
      [1.5, 1],
      [1, null],
    ]);
    await expect(ask(frame, { files: [old], features: ['whole'] })).rejects.toMatchObject({
      code: 'CorruptObject',
      message: expect.stringContaining('no column whole'),
    });
  });

  describe('takes an integer feature that lies there as doubles', () => {
    const doubles = async (...values: string[]): Promise<string> => {
      const path = join(desk.folder, `doubles-${values.join('-')}.parquet`);
      const rows = values.map((value, n) => `('d${n}', ${value}::DOUBLE)`).join(', ');
      await desk.database.execute(
        `COPY (SELECT a, TIMESTAMP '2026-03-08' AS event_timestamp, 1.5 AS real, whole FROM (VALUES ${rows}) AS t(a, whole))
         TO ${literal(path)} (FORMAT parquet)`,
      );
      return path;
    };
    const frame = `(SELECT unnest(['d0', 'd1', 'd2', 'x']) AS a, TIMESTAMP '2026-03-09' AS event_timestamp)`;
    const askWhole = (files: string[]) => ask(frame, { files, features: ['whole'] });

    it('where each of them is an integer, or null', async () => {
      const files = [
        await doubles('-7', 'NULL', '9007199254740991'),
        await writeFeatures(desk, 'v.parquet', [{ ...row, whole: -(2n ** 53n) + 1n }], 'TIMESTAMPTZ'),
      ];
      const query = await askWhole(files);
      const found = await desk.database.rows(`SELECT v__whole::VARCHAR AS whole FROM (${query})`);
      expect(found.map(({ whole }) => whole)).toEqual(['-7', null, '9007199254740991', '-9007199254740991']);
    });

    it.each(['0.5', '9007199254740992', `'NaN'`, `'inf'`, '1e300'])('but not %s', async (value) => {
      const path = await doubles('1', value);
      await expect(askWhole([path])).rejects.toMatchObject({
        code: 'CorruptObject',
        message: expect.stringMatching(new RegExp(`^${path}: found 1 rows whose whole, .*whole: int64`)),
      });
    });

    it('but not beside integers that would be rounded with them', async () => {
      const large = await writeFeatures(
        desk,
        'v.parquet',
        [{ ...row, whole: 2n ** 53n + 1n }],
        'TIMESTAMPTZ',
      );
      await expect(askWhole([await doubles('1'), large])).rejects.toMatchObject({
        code: 'CorruptObject',
        message: expect.stringContaining(`${large}: found 1 rows`),
      });
    });
  });

  it('gives typed nulls where a view has no partitions', async () => {
    const query = await ask(frameOf(good), { files: [], features: ['real', 'whole'] });
    const types = await desk.database.rows(
      `SELECT typeof(v__real) AS real, typeof(v__whole) AS whole FROM (${query})`,
    );
    expect(types).toEqual([{ real: 'DOUBLE', whole: 'BIGINT' }]);
  });

  it.each(['2026-03-09', '2026-03-09T00:00:00', 'yesterday', '2026-13-09T00:00:00Z', '2026-02-30T00:00:00Z'])(
    'refuses %s as an instant',
    async (at) => {
      const files = await localFiles([await writeFeatures(desk, 'v.parquet', [row], 'TIMESTAMPTZ')]);
      await expect(
        historicalQuery(desk.database, {
          frame: frameOf(good),
          frameName: 'frame',
          views: [{ view, files, columns: featureColumns('v', ['real']) }],
          asKnown: { at },
        }),
      ).rejects.toMatchObject({ code: 'InvalidInput', message: expect.stringContaining(identifier(at)) });
    },
  );
});
