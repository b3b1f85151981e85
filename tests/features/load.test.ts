import { copyFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { loadNewest, type Load } from '../../activities/features/load';
import type { LoadPosition } from '../../activities/features/load-chunks';
import type { FeatureView } from '../../contracts/model';
import { flawsOf } from '../../features/rules';
import { withDatabase } from '../../platform/duckdb';
import { createOnlineStore, type OnlineStore, type StoredValue } from '../../platform/online-store';
import { createRedis, type Redis } from '../../platform/redis';
import { startRedis, type RedisServer } from '../support/redis';
import { writePartition, type OfflineRow, type PartitionOptions } from './offline-rows';

const view: FeatureView = {
  name: 'loaded',
  version: 1,
  description: 'Every type, two join keys.',
  owner: 'tests',
  entity: {
    name: 'account',
    joinKeys: [
      { name: 'region_id', type: 'int64' },
      { name: 'account_id', type: 'string' },
    ],
  },
  ttlSeconds: 2 * 86_400,
  features: (['double', 'float', 'int64', 'int32', 'bool', 'string'] as const).map((type) => ({
    name: `a_${type}`,
    type,
  })),
  sources: [],
  transformation: null,
};
const asOf = '2026-03-31';
const END = BigInt(Date.parse('2026-04-01T00:00:00Z')) * 1000n;
const DAY = 86_400_000_000n;

jest.setTimeout(60_000);

let folder: string;
let server: RedisServer;
let redis: Redis;
let online: OnlineStore;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meridian-load-'));
  server = await startRedis(folder);
  redis = createRedis({ redisUrl: server.url });
  online = createOnlineStore(redis, 'meridian');
});
afterAll(async () => {
  redis?.disconnect();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => redis.flushall());

async function partition(
  rows: OfflineRow[],
  options?: PartitionOptions,
  of = view,
): Promise<Load['files'][0]> {
  const path = join(folder, `${files++}.parquet`);
  await writePartition(path, of, rows, options);
  return { path, key: `features/loaded/${path}`, etag: path, bytes: 0 };
}

const load = (loaded: Load['files'], more: Partial<Load> = {}) =>
  loadNewest({ view, asOf, online, folder, runKey: 'test', files: loaded, ...more });

const values = (seed: number): StoredValue[] => [seed, seed, BigInt(seed), seed, true, `v${seed}`];
const row = (account: string, event: bigint | null, seed = 1, created: bigint | null = END): OfflineRow => ({
  keys: [7, account],
  event,
  created,
  values: values(seed),
});

async function read(entities: Record<string, unknown>[], of = view) {
  const answers = await online.getOnlineFeaturesOfMany({
    views: [{ ...of, ttlSeconds: 0 }],
    features: of.features.map(({ name }) => ({ view: of.name, feature: name })),
    entities,
  });
  return answers.map((features) => ({
    event: features[0]!.eventTimestamp,
    values: features.map(({ value }) => value),
  }));
}
const account = (account_id: string) => ({ region_id: 7, account_id });
const eventOf = async (name: string) => (await read([account(name)]))[0]!.event;
const seedOf = async (name: string) => (await read([account(name)]))[0]!.values[0];

describe('which rows are loaded', () => {
  // Few different times, so that ties are common; both ends of the window and what lies just outside.
  const events = [END, END - 1n, END + 1n, END - 2n * DAY, END - 2n * DAY - 1n, END - DAY];
  const anyRow = fc.record({
    keys: fc.tuple(fc.constantFrom(null, 1n, 2n ** 62n), fc.constantFrom(null, 'a', 'ü€')),
    event: fc.constantFrom(null, ...events),
    created: fc.constantFrom(null, END, END + 5n, -1n),
    values: fc.tuple(
      fc.constantFrom<StoredValue>(null, 0, -0, Infinity, -Infinity, 0.1, 5e-324),
      fc.constantFrom<StoredValue>(null, 0, 1.5, -0),
      fc.constantFrom<StoredValue>(null, 0n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n),
      fc.constantFrom<StoredValue>(null, 0, -1, -(2 ** 31), 2 ** 31 - 1),
      fc.constantFrom<StoredValue>(null, true, false),
      fc.constantFrom<StoredValue>(null, '', 'tëam', 'x'.repeat(300)),
    ),
  });

  it('are those of a plain model: newest event, then newest created, in the window with both its ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(anyRow, { maxLength: 8 }), { minLength: 1, maxLength: 4 }),
        async (parts) => {
          await redis.flushall();
          const loaded = await load(await Promise.all(parts.map((rows) => partition(rows))));
          const newest = new Map<string, OfflineRow>();
          for (const candidate of parts.flat()) {
            const { keys, event, created } = candidate;
            if (keys.includes(null) || event === null || event > END || event < END - 2n * DAY) continue;
            const name = keys.join('/');
            const standing = newest.get(name);
            const order = (a: bigint | null) => a ?? -(2n ** 63n);
            // Of what is equal in both, the later row of the later partition.
            if (
              !standing ||
              event > standing.event! ||
              (event === standing.event && order(created) >= order(standing.created))
            )
              newest.set(name, candidate);
          }
          expect(loaded).toMatchObject({
            entities: newest.size,
            written: newest.size,
            verified: newest.size,
          });
          const rows = [...newest.values()];
          const stored = await read(rows.map(({ keys }) => ({ region_id: keys[0], account_id: keys[1] })));
          expect(stored).toEqual(
            rows.map(({ event, values: expected }) => ({
              event,
              values: expected.map((value) =>
                typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value,
              ),
            })),
          );
          expect(await redis.dbsize()).toBe(newest.size);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are read from partitions with times in and without zones, whatever the clocks did', async () => {
    // New York's clocks went forward on 8 March 2026 and go back on 1 November; UTC has every hour once.
    for (const text of [
      '2026-03-08T02:30:00Z',
      '2026-03-08T07:00:00Z',
      '2026-11-01T05:30:00Z',
      '2026-11-01T06:30:00Z',
    ]) {
      const event = BigInt(Date.parse(text)) * 1000n + 123_456n;
      for (const timeType of ['TIMESTAMP', 'TIMESTAMPTZ', 'TIMESTAMP_NS'] as const) {
        const name = `${text} ${timeType}`;
        await load([await partition([row(name, event)], { timeType })], {
          asOf: text.slice(0, 10),
          view: { ...view, ttlSeconds: 0 },
        });
        expect([name, await eventOf(name)]).toEqual([name, event]);
      }
    }
    const mixed = [
      await partition([row('mixed', END - 5n)], { timeType: 'TIMESTAMP' }),
      await partition([row('mixed', END - 4n)]),
    ];
    await load(mixed);
    expect(await eventOf('mixed')).toBe(END - 4n);
  });

  it('count as oldest without a created_timestamp, and lack features that were added later', async () => {
    const before = await partition([row('a', END, 1), row('b', END, 1)], {
      without: ['created_timestamp', 'a_bool'],
    });
    await load([before, await partition([row('a', END, 2, -1n)])]);
    expect(await seedOf('a')).toBe(2);
    expect((await read([account('b')]))[0]!.values).toEqual([1, 1, 1, 1, null, 'v1']);
  });

  it('does not load entities that are left out, nor those who opted out meanwhile', async () => {
    await online.forget(view.entity.joinKeys, [account('late')]);
    const rows = ['in', 'out', 'late'].map((name) => row(name, END));
    const loaded = await load([await partition(rows)], {
      keep: async (database) => {
        await database.execute(`CREATE TABLE out AS SELECT 'out' AS account_id`);
        return 'NOT EXISTS (SELECT 1 FROM out WHERE out.account_id = frame.account_id)';
      },
    });
    expect(loaded).toMatchObject({ entities: 2, written: 1, refused: 1, verified: 1 });
    expect([await eventOf('in'), await eventOf('out'), await eventOf('late')]).toEqual([END, null, null]);
  });
});

describe('what stands already', () => {
  it('is replaced by a correction with the same event time and a newer created time, never by an older row', async () => {
    await load([await partition([row('a', END, 1, 10n), row('b', END, 1, 10n)])]);
    const correction = [row('a', END, 2, 11n), row('b', END - 1n, 2, 99n)];
    expect(await load([await partition(correction)])).toMatchObject({ written: 1, skipped: 1 });
    expect([await seedOf('a'), await seedOf('b')]).toEqual([2, 1]);
    expect(await load([await partition([row('a', END, 3, 10n)])])).toMatchObject({ written: 0, skipped: 1 });
    expect(await seedOf('a')).toBe(2);
  });

  it('is replaced by what was delivered again under the same times, and by the same row with a feature more', async () => {
    const deliver = (seed: number) =>
      partition([row('a', END, seed), row('b', END, 1)], { without: ['created_timestamp'] });
    await load([await deliver(1)]);
    expect(await load([await deliver(2)])).toMatchObject({ written: 1, skipped: 1, verified: 2 });
    expect([await seedOf('a'), await seedOf('b')]).toEqual([2, 1]);

    // The partition has had the column all along.
    const files = [await partition([row('a', END, 3)])];
    const narrow = { ...view, name: 'grown', features: view.features.slice(0, 5) };
    const wide = { ...view, name: 'grown' };
    await load(files, { view: narrow });
    expect(await load(files, { view: wide })).toMatchObject({ written: 1, verified: 1 });
    expect(await load(files, { view: wide })).toMatchObject({ written: 0, skipped: 1 });
    expect((await read([account('a')], wide))[0]!.values).toEqual([3, 3, 3, 3, true, 'v3']);
  });
});

it('reads a sample back while newer rows come in', async () => {
  let came = false;
  const meanwhile = async <T>(read: Promise<T>): Promise<T> => {
    const answer = await read;
    const newer = {
      entity: account('a'),
      eventTimestamp: END + 1n,
      createdTimestamp: END,
      values: values(2),
    };
    if (!came) await online.write(view, [newer]);
    came = true;
    return answer;
  };
  const busy: OnlineStore = {
    ...online,
    standingRows: (...of) => meanwhile(online.standingRows(...of)),
    getOnlineFeaturesOfMany: (of) => meanwhile(online.getOnlineFeaturesOfMany(of)),
  };
  expect(await load([await partition([row('a', END)])], { online: busy })).toMatchObject({ verified: 1 });
  expect(await seedOf('a')).toBe(2);
});

it('takes every name that a definition may have, and loads every entity', async () => {
  // Aliases, tables and columns of the queries, words of SQL, and what must be quoted.
  const names = (
    'place event created row rows newest frame chunk sampled entity_hash rank file_index file_row_number filename rowid ' +
    '__event __place position alive asked select hash max Event customerID a"b it\'s 1 ü dt _place'
  ).split(' ');
  names.push('Monthly Charges');
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(names, { minLength: 2, maxLength: 6 }),
      async ([key, ...features]) => {
        const named: FeatureView = {
          ...view,
          entity: { name: 'named', joinKeys: [{ name: key!, type: 'string' }] },
          features: features.map((name) => ({ name, type: 'int64' })),
        };
        fc.pre(flawsOf(named).length === 0);
        await redis.flushall();
        const rows = ['a', 'b', 'c'].map((account, n) => ({
          keys: [account],
          event: END - BigInt(n),
          created: END,
          values: features.map((_, feature) => BigInt(10 * n + feature)),
        }));
        const other = rows.map((one) => ({ ...one, event: END - DAY }));
        const parts = [await partition(other, {}, named), await partition(rows, {}, named)];
        expect(await load(parts, { view: named })).toMatchObject({ entities: 3, written: 3, verified: 3 });
        const found = await read(
          rows.map(({ keys }) => ({ [key!]: keys[0] })),
          named,
        );
        expect(found.map(({ values: of }) => of)).toEqual(rows.map(({ values: of }) => of.map(Number)));
      },
    ),
    { numRuns: 60 },
  );
});

it('notices that not every row it counted was there to be read', async () => {
  const files = [await partition([row('a', END), row('b', END)])];
  const fewer = await partition([row('a', END)]);
  const loading = load(files, {
    onChunk: ({ chunk }) => chunk === 0 && copyFileSync(fewer.path, files[0]!.path),
  });
  await expect(loading).rejects.toMatchObject({ message: expect.stringContaining('of 2 entities') });
});

describe('bad input', () => {
  it.each<[string, PartitionOptions, RegExp]>([
    ['no event_timestamp', { without: ['event_timestamp'] }, /no column event_timestamp/],
    ['no join key', { without: ['account_id'] }, /no column account_id/],
    ['a feature of another type', { types: { a_int64: 'VARCHAR' } }, /column a_int64 as VARCHAR/],
  ])('names the partition and the column: %s', async (_what, options, message) => {
    const bad = await partition([row('a', END)], options);
    const loading = load([await partition([row('b', END)]), bad]);
    await expect(loading).rejects.toMatchObject({ message: expect.stringMatching(message) });
    await expect(loading).rejects.toMatchObject({ message: expect.stringContaining(bad.key) });
    expect(await redis.dbsize()).toBe(0);
  });

  it('names the partition whose values do not fit their type', async () => {
    const bad = await partition([{ ...row('a', END), values: [1, 1, 1n, 2 ** 40, true, ''] }], {
      types: { a_int32: 'BIGINT' },
    });
    await expect(load([bad])).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringMatching(/features\/loaded\/.*expected a_int32 as int32, found 1 rows/),
    });
  });

  it('stops before anything is written where the newest row is too old', async () => {
    const strict = { ...view, checks: { maxAgeHours: 24 } };
    const old = await partition([row('a', END - DAY - 1n)]);
    await expect(load([old], { view: strict })).rejects.toMatchObject({
      code: 'DataQualityBreach',
      message: expect.stringMatching(/at most 24 hours old.*found 2026-03-30T23:59:59\.999Z/),
    });
    await expect(load([await partition([])], { view: strict })).rejects.toMatchObject({
      code: 'DataQualityBreach',
    });
    expect(await redis.dbsize()).toBe(0);
    await load([await partition([row('a', END - DAY)])], { view: strict });
    expect(await eventOf('a')).toBe(END - DAY);
  });
});

describe('chunks', () => {
  const wide = { ...view, name: 'chunked', ttlSeconds: 0, features: [{ name: 'n', type: 'int64' as const }] };
  const ENTITIES = 50_000;
  let chunked: Load['files'];

  beforeAll(async () => {
    const make = async (name: string, from: number, to: number) => {
      const path = join(folder, name);
      await withDatabase((database) =>
        database.execute(
          `COPY (SELECT 7::BIGINT AS region_id, 'A' || range AS account_id, make_timestamp(${END})::TIMESTAMPTZ - to_days(1) AS
             event_timestamp, make_timestamp(${END})::TIMESTAMPTZ AS created_timestamp, range AS n FROM range(${from}, ${to}))
           TO '${path}' (FORMAT parquet)`,
        ),
      );
      return { path, key: name, etag: name, bytes: 0 };
    };
    chunked = [await make('old.parquet', 0, 27_000), await make('new.parquet', 24_000, ENTITIES)];
  });
  const loadChunked = (more: Partial<Load> = {}) => load(chunked, { view: wide, ...more });

  it('cover every entity once, and are told one by one', async () => {
    const positions: LoadPosition[] = [];
    const loaded = await loadChunked({ onChunk: (position) => positions.push(position) });
    expect(loaded).toMatchObject({ entities: ENTITIES, written: ENTITIES, skipped: 0, verified: 100 });
    expect(positions.map(({ chunk }) => chunk)).toEqual(positions.map((_, index) => index));
    expect(positions.at(-1)).toMatchObject({ chunk: positions.at(-1)!.of, written: ENTITIES });
    expect(positions.length).toBe(5);
    const some = Array.from({ length: 500 }, (_, index) => index * 100);
    const found = await read(
      some.map((n) => account(`A${n}`)),
      wide,
    );
    expect(found.map(({ values: [n] }) => n)).toEqual(some);
  });

  it.each([1, 4])(
    'that an earlier attempt has loaded, %s of 4, are passed over, and read back nevertheless',
    async (chunk) => {
      const positions: LoadPosition[] = [];
      await loadChunked({ onChunk: (position) => positions.push(position) });
      await redis.flushall();
      const resume = positions[chunk]!;
      const told: LoadPosition[] = [];
      const loading = loadChunked({ resume, onVerify: (position) => told.push(position) });
      // Nothing stands of the chunks before: the read-back notices.
      await expect(loading).rejects.toMatchObject({ code: 'DataQualityBreach' });
      expect(told).toMatchObject([{ chunk: 4, written: ENTITIES }]);
      expect(await redis.dbsize()).toBe(ENTITIES - resume.written);
    },
  );

  it('are loaded again where the position is one of another load', async () => {
    const positions: LoadPosition[] = [];
    await loadChunked({ onChunk: (position) => positions.push(position) });
    await redis.flushall();
    const changed = chunked.map((file) => ({ ...file, etag: 'changed' }));
    const loaded = await load(changed, { view: wide, resume: positions.at(-1)! });
    expect(loaded.written).toBe(ENTITIES);
    expect(await redis.dbsize()).toBe(ENTITIES);
  });
});
