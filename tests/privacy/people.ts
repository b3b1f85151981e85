import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { FeatureView, SupervisedDeclaration } from '../../contracts/model';
import { literal, withDatabase } from '../../platform/duckdb';
import { createOnlineStore, type OnlineStore } from '../../platform/online-store';
import { churn } from '../../models/churn/model';
import type { Stage } from '../features/stage';

export const DAY = '2026-03-31';
export const END_OF_DAY = BigInt(Date.parse('2026-04-01T00:00:00Z')) * 1000n;
export const PEOPLE = 400;

const view = (name: string, change: Partial<FeatureView> = {}): FeatureView => ({
  name,
  version: 1,
  description: 'What is known of a person.',
  owner: 'tests',
  entity: { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'string', personal: true }] },
  ttlSeconds: 0,
  features: [
    { name: 'age', type: 'int64', personal: true },
    { name: 'plan', type: 'string' },
  ],
  sources: [],
  transformation: null,
  ...change,
});

/** Two views of customers, the second in a later version, and one of places. */
export const account = view('account');
export const usage = view('usage', { version: 2 });
export const weather = view('weather', {
  entity: { name: 'place', joinKeys: [{ name: 'place_id', type: 'int64' }] },
});
export const views = [account, usage, weather];

export const person = (n: number): { customer_id: string } => ({ customer_id: `C${n}` });

/** A model of customers whose labels are delivered. */
export const declaration: SupervisedDeclaration = {
  ...churn,
  name: 'people',
  views: [account, usage],
  inputs: [
    { name: 'age', view: 'account', feature: 'age', type: 'number' },
    { name: 'plan', view: 'usage', feature: 'plan', type: 'category' },
  ],
  label: { ...churn.label, transformation: null, periods: 1 },
  dataset: { ...churn.dataset, minRows: 10 },
};

/** Writes what a query gives as one Parquet object. */
export async function deliver(stage: Stage, key: string, sql: string): Promise<void> {
  const path = join(stage.folder, `${randomUUID()}.parquet`);
  await withDatabase((database) => database.execute(`COPY (${sql}) TO ${literal(path)} (FORMAT parquet)`));
  await stage.store.upload(path, key);
}

const TIMES = `TIMESTAMPTZ '2026-04-01 00:00:00+00' AS event_timestamp, TIMESTAMPTZ '2026-04-01 01:00:00+00' AS created_timestamp`;

/** Partitions of all three views and labels of everybody, offline. */
export async function deliverEverything(stage: Stage): Promise<void> {
  const customers = `SELECT 'C' || i AS customer_id, ${TIMES}, i AS age, 'plan ' || i % 3 AS plan FROM range(${PEOPLE}) AS r(i)`;
  await deliver(stage, `features/account/dt=${DAY}/part-0.parquet`, customers);
  await deliver(stage, `features/usage_v2/dt=${DAY}/part-0.parquet`, customers);
  await deliver(
    stage,
    `features/weather/dt=${DAY}/part-0.parquet`,
    `SELECT i AS place_id, ${TIMES}, i AS age, 'sunny' AS plan FROM range(10) AS r(i)`,
  );
  await deliver(
    stage,
    `labels/people/dt=${DAY}/part-0.parquet`,
    `SELECT 'C' || i AS customer_id, ${TIMES}, (i % 4 = 0)::INT AS label FROM range(${PEOPLE}) AS r(i)`,
  );
}

/** One day's requests to be left out. */
export const optOut = (stage: Stage, day: string, ...people: number[]): Promise<void> =>
  deliver(
    stage,
    `raw/opt-outs/dt=${day}/part-0.parquet`,
    `SELECT unnest([${people.map((n) => `'C${n}'`).join(', ')}]) AS customer_id, DATE '${day}' AS requested_on`,
  );

export const onlineOf = (stage: Stage): OnlineStore => createOnlineStore(stage.redis, 'meridian');

export const rowOf = (n: number, event = END_OF_DAY) => ({
  entity: person(n),
  eventTimestamp: event,
  createdTimestamp: event,
  values: [n, 'pushed'],
});
