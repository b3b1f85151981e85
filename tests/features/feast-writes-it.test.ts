import { join } from 'node:path';
import { createFeatureActivities } from '../../activities/features';
import { featureColumns, joinHistorical, localFiles } from '../../activities/datasets/historical';
import { addDays, endOfDay } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { customerAccount, customerActivity, customerUsage } from '../../features';
import { layDownSampleData } from '../../local/sample';
import { readParquetAsArrow } from '../../platform/arrow';
import { identifier, literal, withDatabase } from '../../platform/duckdb';
import { createOnlineStore, type OnlineRow, type StoredValue } from '../../platform/online-store';
import { startFeast, type Feast } from './feast-client';
import { setStage, type Stage } from './stage';

const day = '2026-03-31';
const days = [addDays(day, -5), addDays(day, -1), day];
const MIDNIGHT = BigInt(Date.parse(endOfDay(day))) * 1000n;
/** Values in the order of the view's features. */
const PUSHED: StoredValue[] = [3, 0, 12.5, true, 'Oslo'];

jest.setTimeout(180_000);
let stage: Stage;
let feast: Feast;
/** A copy of the offline store, which Feast reads without S3's libraries. */
let copy: string;
const copyOf = (view: FeatureView, on: string) =>
  join(copy, Key.featurePartition(view, on), 'part-0.parquet');

beforeAll(async () => {
  stage = await setStage();
  copy = join(stage.folder, 'copy');
  await layDownSampleData(stage.store, { customers: 200, days: 180, endDate: day });
  const views = [customerAccount, customerUsage];
  for (const view of views) {
    await stage.run(createFeatureActivities(stage).computeFeatures, { view, days });
    for (const on of days)
      await stage.store.download(`${Key.featurePartition(view, on)}part-0.parquet`, copyOf(view, on));
  }
  await correctSome(customerAccount);
  feast = await startFeast(stage, { name: 'feast', views: [...views, customerActivity], copy });
}, 180_000);
afterAll(() => stage?.tearDown());

/** Every third row of the last day again, with the same event time, another value, and created an hour later. */
async function correctSome(view: FeatureView): Promise<void> {
  const from = `read_parquet(${literal(copyOf(view, day))}, hive_partitioning = false)`;
  await withDatabase((database) =>
    database.execute(
      `COPY (SELECT * REPLACE (seats + 1 AS seats, created_timestamp + INTERVAL 1 HOUR AS created_timestamp)
             FROM ${from} WHERE hash(customer_id) % 3 = 0)
       TO ${literal(copyOf(view, day).replace('part-0', 'part-1'))} (FORMAT parquet)`,
    ),
  );
}

it('Feast’s point-in-time join of what this platform wrote is this platform’s', async () => {
  const frame = join(stage.folder, 'frame.parquet');
  const [theirs, ours] = ['theirs', 'ours'].map((name) => join(stage.folder, `${name}.parquet`)) as [
    string,
    string,
  ];
  const views = [customerAccount, customerUsage];
  const asked = views.map(({ name, features }) => ({ view: name, features: features.map((f) => f.name) }));
  await withDatabase(async (database) => {
    // Known and unknown customers at times from before the first event to past the ttl, both ends of it included.
    const times = [-6, -5, -4, -3, -2, -1, 0, 1, 3, 4].map((offset) => endOfDay(addDays(day, offset)));
    await database.execute(
      `COPY (
         SELECT customer_id, t::TIMESTAMPTZ + to_seconds(jitter) AS event_timestamp, row_number() OVER () AS line
         FROM (SELECT DISTINCT customer_id FROM read_parquet(${literal(copyOf(customerAccount, day))}, hive_partitioning = false)
               UNION ALL SELECT 'nobody') AS ids,
           unnest([${times.map(literal).join(', ')}]) AS times(t), unnest([-1, 0, 1]) AS jitters(jitter)
       ) TO ${literal(frame)} (FORMAT parquet)`,
    );
    await feast.ask({
      do: 'historical',
      features: asked.flatMap(({ view, features }) => features.map((feature) => `${view}:${feature}`)),
      frame,
      out: theirs,
    });
    const joined = await joinHistorical({
      frame,
      out: ours,
      views: await Promise.all(
        views.map(async (view) => {
          const paths = days.map((on) => copyOf(view, on));
          if (view === customerAccount) paths.push(copyOf(view, day).replace('part-0', 'part-1'));
          return {
            view,
            files: await localFiles(paths),
            columns: featureColumns(
              view.name,
              view.features.map((f) => f.name),
            ),
          };
        }),
      ),
    });
    const typed = views.flatMap(({ name, features }) =>
      features.map(
        (f) =>
          `CAST(${identifier(`${name}__${f.name}`)} AS ${SQL[f.type]}) AS ${identifier(`${name}__${f.name}`)}`,
      ),
    );
    const rows = (path: string) =>
      `SELECT line, customer_id, event_timestamp::TIMESTAMPTZ AS event_timestamp, ${typed.join(', ')}
       FROM read_parquet(${literal(path)})`;
    const { differing } = await database.row<{ differing: number }>(
      `SELECT count(*) AS differing FROM ((${rows(theirs)} EXCEPT ALL ${rows(ours)}) UNION ALL (${rows(ours)} EXCEPT ALL ${rows(theirs)}))`,
    );
    const { total, found, corrected } = await database.row<Record<string, number>>(
      `SELECT count(*) AS total, count(customer_account__plan) AS found,
         count(*) FILTER (hash(customer_id) % 3 = 0 AND customer_account__seats IS NOT NULL) AS corrected
       FROM read_parquet(${literal(ours)})`,
    );
    expect({ differing, total }).toEqual({ differing: 0, total: joined.rows });
    expect(found).toBeGreaterThan(total! / 3);
    expect(found).toBeLessThan(total!);
    expect(corrected).toBeGreaterThan(0);
  });
});

const SQL: Record<FeatureView['features'][number]['type'], string> = {
  double: 'DOUBLE',
  float: 'FLOAT',
  int64: 'BIGINT',
  int32: 'INTEGER',
  bool: 'BOOLEAN',
  string: 'VARCHAR',
};

describe('what Feast wrote online', () => {
  const online = () =>
    createOnlineStore(stage.redis, 'meridian', () => Number(MIDNIGHT / 1000n) + 12 * 3_600_000);
  const everything = (view: FeatureView) => ({
    views: [view],
    features: view.features.map(({ name }) => ({ view: view.name, feature: name })),
  });

  beforeAll(async () => {
    const values = Object.fromEntries(
      customerActivity.features.map(({ name }, index) => [name, PUSHED[index]!]),
    );
    await feast.ask(
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
            ...values,
          },
        ],
      },
    );
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
