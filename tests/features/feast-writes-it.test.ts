import { join } from 'node:path';
import { featureColumns, joinHistorical, localFiles } from '../../activities/datasets/historical';
import { createFeatureActivities } from '../../activities/features';
import { addDays, endOfDay } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { customerAccount, customerActivity, customerUsage } from '../../features';
import { layDownSampleData } from '../../local/sample';
import { readParquetAsArrow } from '../../platform/arrow';
import { identifier, literal, withDatabase, type Database } from '../../platform/duckdb';
import { SQL_TYPE } from '../../platform/duckdb-types';
import { createOnlineStore, type OnlineRow, type StoredValue } from '../../platform/online-store';
import { askFeast } from './feast-client';
import { setStage, type Stage } from './stage';

const day = '2026-03-31';
const days = [addDays(day, -5), addDays(day, -1), day];
const views = [customerAccount, customerUsage];
const MIDNIGHT = BigInt(Date.parse(endOfDay(day))) * 1000n;
/** Values in the order of the view's features. */
const PUSHED: StoredValue[] = [3, 0, 12.5, true, 'Oslo'];

jest.setTimeout(240_000);
let stage: Stage;
/** A copy of the offline store, which Feast reads without S3's libraries. */
let copy: string;
const copyOf = (view: FeatureView, on: string, file = 'part-0') =>
  join(copy, Key.featurePartition(view, on), `${file}.parquet`);
/** Parquet files: what is joined, and both answers. */
const file = (name: 'frame' | 'theirs' | 'ours') => join(stage.folder, `${name}.parquet`);

beforeAll(async () => {
  stage = await setStage();
  copy = join(stage.folder, 'copy');
  await layDownSampleData(stage.store, { customers: 200, days: 180, endDate: day });
  for (const view of views) {
    await stage.run(createFeatureActivities(stage).computeFeatures, { view, days });
    for (const on of days)
      await stage.store.download(`${Key.featurePartition(view, on)}part-0.parquet`, copyOf(view, on));
  }
  await withDatabase(async (database) => {
    await correctSome(database, customerAccount);
    await writeFrame(database);
  });
  const pushed = Object.fromEntries(
    customerActivity.features.map(({ name }, index) => [name, PUSHED[index]!]),
  );
  await askFeast(stage, { views: [...views, customerActivity], copy }, [
    {
      do: 'historical',
      features: views.flatMap(({ name, features }) => features.map((feature) => `${name}:${feature.name}`)),
      frame: file('frame'),
      out: file('theirs'),
    },
    {
      do: 'materialize',
      views: [customerUsage.name],
      from: endOfDay(addDays(day, -7)),
      to: endOfDay(addDays(day, 1)),
    },
    {
      do: 'push',
      source: `${customerActivity.name}_push`,
      rows: [
        {
          customer_id: 'C000001',
          event_timestamp: '2026-04-01T10:00:00.5Z',
          created_timestamp: '2026-04-01T10:00:01Z',
          ...pushed,
        },
      ],
    },
  ]);
}, 240_000);
afterAll(() => stage?.tearDown());

const rowsOf = (path: string) => `read_parquet(${literal(path)}, hive_partitioning = false)`;

/** Every third row of the last day again, with the same event time, another value, and created an hour later. */
async function correctSome(database: Database, view: FeatureView): Promise<void> {
  await database.execute(
    `COPY (SELECT * REPLACE (seats + 1 AS seats, created_timestamp + INTERVAL 1 HOUR AS created_timestamp)
           FROM ${rowsOf(copyOf(view, day))} WHERE hash(customer_id) % 3 = 0)
     TO ${literal(copyOf(view, day, 'part-1'))} (FORMAT parquet)`,
  );
}

/** Known and unknown customers at times from before the first event to past the ttl, a second around both of its ends. */
async function writeFrame(database: Database): Promise<void> {
  const times = [-6, -5, -4, -3, -2, -1, 0, 1, 3, 4].map((offset) => endOfDay(addDays(day, offset)));
  await database.execute(
    `COPY (
       SELECT customer_id, time::TIMESTAMPTZ + to_seconds(jitter) AS event_timestamp, row_number() OVER () AS line
       FROM (SELECT customer_id FROM ${rowsOf(copyOf(customerAccount, day))} UNION ALL SELECT 'nobody'),
         unnest([${times.map(literal).join(', ')}]) AS times(time), unnest([-1, 0, 1]) AS jitters(jitter)
     ) TO ${literal(file('frame'))} (FORMAT parquet)`,
  );
}

it('Feast’s point-in-time join of what this platform wrote is this platform’s', async () => {
  const joined = await joinHistorical({
    frame: file('frame'),
    out: file('ours'),
    views: await Promise.all(
      views.map(async (view) => ({
        view,
        files: await localFiles([
          ...days.map((on) => copyOf(view, on)),
          ...(view === customerAccount ? [copyOf(view, day, 'part-1')] : []),
        ]),
        columns: featureColumns(
          view.name,
          view.features.map(({ name }) => name),
        ),
      })),
    ),
  });
  // pandas makes doubles of integers that are missing in some row.
  const columns = views.flatMap(({ name, features }) =>
    features.map((feature) => {
      const column = identifier(`${name}__${feature.name}`);
      return `CAST(${column} AS ${SQL_TYPE[feature.type]}) AS ${column}`;
    }),
  );
  const answer = (name: 'theirs' | 'ours') =>
    `SELECT line, customer_id, event_timestamp::TIMESTAMPTZ AS time, ${columns.join(', ')} FROM ${rowsOf(file(name))}`;
  await withDatabase(async (database) => {
    const { differing } = await database.row<{ differing: number }>(
      `SELECT count(*) AS differing FROM (
         (${answer('theirs')} EXCEPT ALL ${answer('ours')}) UNION ALL (${answer('ours')} EXCEPT ALL ${answer('theirs')}))`,
    );
    const { total, found, corrected } = await database.row<Record<string, number>>(
      `SELECT count(*) AS total, count(customer_account__seats) AS found,
         count(*) FILTER (joined.customer_account__seats = computed.seats + 1) AS corrected
       FROM ${rowsOf(file('ours'))} AS joined LEFT JOIN ${rowsOf(copyOf(customerAccount, day))} AS computed
         USING (customer_id)`,
    );
    expect({ differing, total }).toEqual({ differing: 0, total: joined.rows });
    expect(found).toBeGreaterThan(total! / 3);
    expect(found).toBeLessThan(total!);
    expect(corrected).toBeGreaterThan(100);
  });
});

describe('what Feast wrote online', () => {
  const online = () =>
    createOnlineStore(stage.redis, 'meridian', () => Date.parse(endOfDay(day)) + 12 * 3_600_000);
  const everything = (view: FeatureView) => ({
    views: [view],
    features: view.features.map(({ name }) => ({ view: view.name, feature: name })),
  });

  it('is read here, all that it materialized', async () => {
    const table = await readParquetAsArrow(copyOf(customerUsage, day));
    const ids = [...table.getChild('customer_id')!] as string[];
    const entities = ids.map((id) => ({ customer_id: id }));
    const read = await online().getOnlineFeaturesOfMany({ ...everything(customerUsage), entities });
    for (const [column, { name }] of customerUsage.features.entries()) {
      const offline = [...table.getChild(name)!] as StoredValue[];
      expect([name, read.map((one) => one[column]!.value)]).toEqual([name, offline]);
    }
    const times = new Set(read.flat().map(({ eventTimestamp }) => eventTimestamp));
    expect(times).toEqual(new Set([MIDNIGHT]));
  });

  it('is read here, what it pushed, and gives way to newer rows only', async () => {
    const entity = { customer_id: 'C000001' };
    const found = await online().getOnlineFeatures({ ...everything(customerActivity), entity });
    expect(found.map(({ status, value }) => [status, value])).toEqual(
      PUSHED.map((value) => ['PRESENT', value]),
    );
    const pushedAt = MIDNIGHT + 36_000_500_000n;
    expect(found[0]!.eventTimestamp).toBe(pushedAt);

    const at = (eventTimestamp: bigint): OnlineRow => ({
      entity,
      eventTimestamp,
      createdTimestamp: pushedAt,
      values: [4, 1, null, false, ''],
    });
    expect(await online().write(customerActivity, [at(pushedAt - 1n)])).toMatchObject({ written: 0 });
    expect(await online().write(customerActivity, [at(pushedAt + 1n)])).toMatchObject({ written: 1 });
  });
});
