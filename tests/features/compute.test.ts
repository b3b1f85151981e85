import fc from 'fast-check';
import { MockActivityEnvironment } from '@temporalio/testing';
import {
  createComputeFeatures,
  type ComputedFeatures,
  type ComputeFeaturesInput,
  type ComputeHeartbeat,
} from '../../activities/features/compute-features';
import { addDays, daysBetween, type Day } from '../../contracts/days';
import type { PartitionReport } from '../../contracts/features';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import type { ObjectStore } from '../../platform/s3';
import { layDelivered, layRaw, partitionKey, rowsOf, spending } from './compute-tables';
import { setStage, type Stage } from './stage';

jest.setTimeout(60_000);

type Activity = ReturnType<typeof createComputeFeatures>;
const first = '2026-03-01';
const at = (offset: number): Day => addDays(first, offset);
let stage: Stage;
let views = 0;

/** A view and a raw table that no other test uses. */
const freshView = (changes: Partial<FeatureView> = {}): FeatureView => {
  const n = views++;
  const table = `events_${n}`;
  return {
    ...spending,
    name: `spending_${n}`,
    sources: [{ table, lookBackDays: 3 }],
    transformation: spending.transformation!.replace('events', table),
    ...changes,
  };
};
const tableOf = (view: FeatureView): string => view.sources[0]!.table;
const amounts = (amount: number): string =>
  `SELECT 'C' || i AS customer_id, ${amount} + i AS amount FROM range(10) AS t(i)`;

beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());

const compute = (input: Parameters<ReturnType<typeof createComputeFeatures>>[0], store = stage.store) =>
  stage.run(createComputeFeatures({ store }), input);
const etagsOf = async (view: FeatureView): Promise<Record<string, string>> =>
  Object.fromEntries((await stage.store.list(Key.featureView(view))).map(({ key, etag }) => [key, etag]));
const reportOf = (view: FeatureView, day: Day) =>
  stage.store.getJson<PartitionReport>(Key.partitionReport(view, day));
const daysComputed = ({ partitions }: { partitions: { day: Day; computed: boolean }[] }): Day[] =>
  partitions.filter(({ computed }) => computed).map(({ day }) => day);

async function layHistory(view: FeatureView, days = 5): Promise<Day[]> {
  for (const day of daysBetween(at(-2), at(days - 1))) await layRaw(stage, tableOf(view), day, amounts(1));
  return daysBetween(first, at(days - 1));
}

describe('computing what has changed', () => {
  it('computes exactly the days that see a raw partition with other rows', async () => {
    const view = freshView();
    const days = await layHistory(view);
    await compute({ view, days });
    let amount = 1;
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.integer({ min: -2, max: 4 }).map(String), fc.constantFrom('again', 'corrected'), {
          maxKeys: 3,
        }),
        async (deliveries) => {
          const before = await etagsOf(view);
          const corrected: Day[] = [];
          for (const [offset, kind] of Object.entries(deliveries)) {
            const raw = at(Number(offset));
            const key = `${Key.rawPartition(tableOf(view), raw)}part-0.parquet`;
            if (kind === 'again') await stage.store.put(key, await stage.store.get(key));
            else await layRaw(stage, tableOf(view), raw, amounts((amount += 1_000)));
            if (kind === 'corrected') corrected.push(raw);
          }
          const expected = days.filter((day) =>
            corrected.some((raw) => addDays(day, -2) <= raw && raw <= day),
          );
          const result = await compute({ view, days, scope: 'changed' });
          expect(daysComputed(result)).toEqual(expected);
          expect(result.partitions.map(({ day, checks }) => [day, checks > 0])).toEqual(
            days.map((day) => [day, expected.includes(day)]),
          );
          const after = await etagsOf(view);
          for (const day of days)
            expect(after[partitionKey(view, day)] !== before[partitionKey(view, day)]).toBe(
              expected.includes(day),
            );
        },
      ),
      { numRuns: 12 },
    );
    const plain = freshView({ sources: view.sources, transformation: view.transformation });
    await compute({ view: plain, days });
    for (const day of days)
      expect(await rowsOf(stage, view, day, '* EXCLUDE (created_timestamp)')).toEqual(
        await rowsOf(stage, plain, day, '* EXCLUDE (created_timestamp)'),
      );
  });

  it('computes again after the SQL was edited; equal rows keep their partition and their created time', async () => {
    const view = freshView();
    const days = await layHistory(view, 2);
    await compute({ view, days });
    const before = await etagsOf(view);
    const report = await reportOf(view, first);

    const reworded = { ...view, transformation: `${view.transformation} -- each` };
    const same = await compute({ view: reworded, days, scope: 'changed' });
    expect(daysComputed(same)).toEqual([]);
    expect(same.partitions.every(({ checks }) => checks > 0)).toBe(true);
    expect(await etagsOf(view)).toEqual(before);
    const renewed = await reportOf(view, first);
    expect(renewed.computedFrom).not.toBe(report.computedFrom);
    expect(renewed.partition).toBe(report.partition);
    const settled = await compute({ view: reworded, days, scope: 'changed' });
    expect(settled.partitions.map(({ checks }) => checks)).toEqual([0, 0]);

    const doubled = { ...view, transformation: view.transformation!.replace('sum(', '2 * sum(') };
    expect(daysComputed(await compute({ view: doubled, days }))).toEqual([]);
    expect(daysComputed(await compute({ view: doubled, days, scope: 'changed' }))).toEqual(days);
  });

  it('keeps the created time of every row that is the same to the bit', async () => {
    const view = freshView({
      entity: {
        name: 'place',
        joinKeys: [
          { name: 'customer_id', type: 'string' },
          { name: 'region', type: 'int64' },
        ],
      },
      features: [
        { name: 'd', type: 'double' },
        { name: 'f', type: 'float' },
        { name: 's', type: 'string' },
        { name: 'n', type: 'int64' },
      ],
    });
    view.transformation = `SELECT customer_id, region, d, f, s, n FROM ${tableOf(view)}`;
    view.sources = [{ table: tableOf(view), lookBackDays: 1 }];
    const lay = (rows: Record<string, string>) =>
      layRaw(
        stage,
        tableOf(view),
        first,
        Object.entries(rows)
          .map(([id, values]) => {
            const [d, f, s, n] = values.split(' ').map((value) => (value === '-' ? 'NULL' : `'${value}'`));
            return `SELECT '${id}' AS customer_id, 9007199254740993 AS region, ${d}::DOUBLE AS d, ${f}::FLOAT AS f, ${s} AS s, ${n}::BIGINT AS n`;
          })
          .join(' UNION ALL '),
      );
    const createdTimes = async () =>
      Object.fromEntries(
        (await rowsOf(stage, view, first, 'customer_id, created_timestamp')).map((row) => [
          String(row['customer_id']),
          (row['created_timestamp'] as Date).getTime(),
        ]),
      );
    const rows = {
      same: '0 0.1 a 9007199254740993',
      nulls: '- - - -',
      zero: '0 0 a 1',
      float: '1 0 a 1',
      big: '1 1 a 9007199254740993',
      null: '1 1 - 1',
      gone: '1 1 a 1',
    };
    await lay(rows);
    await compute({ view, days: [first] });
    const before = await createdTimes();
    const { gone: _gone, ...left } = rows;
    await lay({
      ...left,
      zero: '-0 0 a 1',
      float: '1 -0 a 1',
      big: '1 1 a 9007199254740992',
      null: '1 1 a 1',
      new: '1 1 a 1',
    });
    await compute({ view, days: [first], scope: 'changed' });
    const after = await createdTimes();
    expect(Object.keys(after).sort()).toEqual(['big', 'float', 'new', 'null', 'nulls', 'same', 'zero']);
    const kept = Object.keys(after).filter((id) => after[id] === before[id]);
    expect(kept.sort()).toEqual(['nulls', 'same']);
    for (const id of ['big', 'float', 'new', 'null', 'zero'])
      expect(after[id]).toBeGreaterThan(before['same']!);
    expect(await rowsOf(stage, view, first, 'customer_id, d, f')).toEqual(
      expect.arrayContaining([
        { customer_id: 'zero', d: -0, f: 0 },
        { customer_id: 'float', d: 1, f: -0 },
      ]),
    );
  });

  it('writes again what cannot be compared: other columns, an entity twice, bytes that do not read', async () => {
    const view = freshView();
    const [day] = await layHistory(view, 1);
    await compute({ view, days: [day!] });
    const good = await rowsOf(stage, view, day!, 'customer_id, amount');
    const rows = `SELECT 'C' || i AS customer_id, 5 AS amount, now() AS event_timestamp, now() AS created_timestamp FROM range(10) AS t(i)`;
    for (const spoil of [
      () => layDelivered(stage, view, day!, rows.replace('5 AS amount', 'NULL AS other')),
      () => layDelivered(stage, view, day!, `${rows} UNION ALL ${rows}`),
      () => stage.store.put(partitionKey(view, day!), 'no Parquet'),
    ]) {
      await spoil();
      expect(daysComputed(await compute({ view, days: [day!], scope: 'changed' }))).toEqual([day]);
      expect(await rowsOf(stage, view, day!, 'customer_id, amount')).toEqual(good);
    }
  });

  it('refuses a partition into which others have put rows, by name, and leaves it as it is', async () => {
    const view = freshView();
    const [day] = await layHistory(view, 1);
    await compute({ view, days: [day!] });
    const row = `SELECT 'C99' AS customer_id, 1::BIGINT AS amount, now() AS event_timestamp, now() AS created_timestamp`;
    await layDelivered(stage, view, day!, row, 'part-1');
    const before = await etagsOf(view);
    for (const scope of ['changed', 'all', 'late'] as const)
      await expect(compute({ view, days: [day!], scope })).rejects.toMatchObject({
        code: 'Conflict',
        retryable: false,
        message: expect.stringMatching(
          /dt=2026-03-01\/: expected part-0\.parquet alone.* found part-1\.parquet\. /,
        ),
      });
    expect(await etagsOf(view)).toEqual(before);
    await stage.store.delete(partitionKey(view, day!).replace('part-0', 'part-1'));
    const settled = await compute({ view, days: [day!], scope: 'changed' });
    expect(settled.partitions).toMatchObject([{ computed: false, checks: 0, rows: 10 }]);
  });

  it('takes a partition without a report for changed, unless only missing ones are wanted', async () => {
    const view = freshView();
    const [day] = await layHistory(view, 1);
    await compute({ view, days: [day!] });
    const before = await etagsOf(view);
    await stage.store.delete(Key.partitionReport(view, day!));
    const kept = await compute({ view, days: [day!] });
    expect(kept.partitions).toMatchObject([{ rows: 10, computed: false, checks: 0 }]);
    expect(await stage.store.head(Key.partitionReport(view, day!))).toBeNull();
    await compute({ view, days: [day!], scope: 'changed' });
    expect(await reportOf(view, day!)).toMatchObject({ passed: true, rows: 10 });
    expect(await etagsOf(view)).toEqual(before);
  });

  it('takes a folder without a Parquet file for no partition', async () => {
    const view = freshView();
    const [day] = await layHistory(view, 1);
    await stage.store.put(`${Key.featurePartition(view, day!)}_SUCCESS`, '');
    expect(daysComputed(await compute({ view, days: [day!] }))).toEqual([day]);
  });

  it('looking back, fills gaps and leaves a history alone that was never computed', async () => {
    const view = freshView();
    const days = await layHistory(view);
    expect(await compute({ view, days, scope: 'late' })).toEqual({ partitions: [], absent: [], notes: [] });
    await compute({ view, days: [at(1), at(3)] });
    await layRaw(stage, tableOf(view), at(3), amounts(7));
    const result = await compute({ view, days, scope: 'late' });
    expect(daysComputed(result)).toEqual([at(2), at(3), at(4)]);
    expect(result.partitions.map(({ day }) => day)).toEqual(daysBetween(at(1), at(4)));
  });
});

describe('a transformation', () => {
  it.each([
    ['does not parse', 'SELEC customer_id', 'InvalidInput', 'SELEC'],
    [
      'reads an unknown column',
      'SELECT customer_id, no_such AS amount FROM EVENTS',
      'InvalidInput',
      'no_such',
    ],
    [
      'fails on a value',
      `SELECT customer_id, customer_id::INTEGER AS amount FROM EVENTS`,
      'DataQualityBreach',
      'of raw/\\w+ \\(dt=.*\\): .* to INT32 from the column customer_id, at line 1 of the SQL',
    ],
    [
      'overflows',
      'SELECT customer_id, 9223372036854775807 + amount AS amount FROM EVENTS',
      'DataQualityBreach',
      'Overflow',
    ],
  ])('that %s is refused in so many words', async (_what, sql, code, told) => {
    const view = freshView();
    const [day] = await layHistory(view, 1);
    const transformation = sql.replace('EVENTS', tableOf(view));
    await expect(compute({ view: { ...view, transformation }, days: [day!] })).rejects.toMatchObject({
      code,
      retryable: false,
      message: expect.stringMatching(
        new RegExp(`^features/${view.name}: the transformation for ${day} .*${told}`, 's'),
      ),
    });
    expect(await etagsOf(view)).toEqual({});
  });
});

describe('a computation that is killed', () => {
  // The day under way at the kill is still written as a whole; a later attempt computes again what it did not get to.
  it.each([
    ['missing', [false, false, false, true, true]],
    ['all', [false, false, true, true, true]],
  ] as const)('goes on with the day that was under way (%s)', async (scope, computedAfter) => {
    const view = freshView();
    const days = await layHistory(view);
    const input = { view, days, scope };
    const environment = new MockActivityEnvironment();
    let last: ComputeHeartbeat | undefined;
    environment.on('heartbeat', (details: ComputeHeartbeat) => {
      last = details;
      if (details.done === 2) environment.cancel();
    });
    await expect(environment.run(createComputeFeatures(stage), input)).rejects.toMatchObject({
      name: 'CancelledFailure',
    });
    expect(Object.keys(await etagsOf(view))).toHaveLength(3);

    const next = new MockActivityEnvironment({ heartbeatDetails: last });
    const result = await next.run<[ComputeFeaturesInput], ComputedFeatures, Activity>(
      createComputeFeatures(stage),
      input,
    );
    expect(result.partitions.map(({ day }) => day)).toEqual(days);
    expect(result.partitions.map(({ checks }) => checks > 0)).toEqual(computedAfter);
  });

  it('at whichever step, leaves whole partitions only, and comes out the same', async () => {
    const calm = freshView();
    const days = await layHistory(calm, 3);
    await compute({ view: calm, days });
    const expected = await Promise.all(
      days.map((day) => rowsOf(stage, calm, day, '* EXCLUDE (created_timestamp)')),
    );
    for (let steps = 1; ; steps += 2) {
      const view = freshView({ sources: calm.sources, transformation: calm.transformation });
      const killed = await compute({ view, days }, dyingAfter(steps, stage.store)).then(
        () => false,
        () => true,
      );
      const standing = Object.keys(await etagsOf(view));
      expect(standing).toEqual(days.slice(0, standing.length).map((day) => partitionKey(view, day)));
      const result = await compute({ view, days, scope: 'changed' });
      expect(daysComputed(result)).toEqual(days.slice(standing.length));
      for (const [index, day] of days.entries()) {
        expect(await rowsOf(stage, view, day, '* EXCLUDE (created_timestamp)')).toEqual(expected[index]);
        expect(await reportOf(view, day)).toMatchObject({ passed: true, rows: 10 });
      }
      if (!killed) break;
    }
  });
});

/** A store that does so many steps and then no more, like one whose process is killed. */
function dyingAfter(steps: number, store: ObjectStore): ObjectStore {
  let left = steps;
  return new Proxy(store, {
    get(target, name: keyof ObjectStore) {
      const member = target[name];
      if (typeof member !== 'function' || name === 'uri') return member;
      const method = member as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => (left-- > 0 ? method(...args) : Promise.reject(new Error('killed')));
    },
  });
}
