import { join } from 'node:path';
import type { Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import type { FeatureView, ResolvedDeclaration, SupervisedDeclaration } from '../../contracts/model';
import { churn } from '../../models/churn/model';
import { literal, withDatabase } from '../../platform/duckdb';
import type { ObjectStore } from '../../platform/s3';

export const CLASSES = ['card_arrival', 'lost, or "stolen"', 'größe 🙂'];

/** Texts that others deliver, a row an event. */
export const messages: FeatureView = {
  name: 'messages',
  version: 1,
  description: 'What customers write.',
  owner: 'tests',
  entity: { name: 'event', joinKeys: [{ name: 'event_id', type: 'string' }] },
  ttlSeconds: 0,
  online: false,
  sources: [],
  transformation: null,
  features: [
    { name: 'text', type: 'string' },
    { name: 'customer_id', type: 'string', personal: true, belongsTo: 'customer' },
  ],
};

/** A text-classifier over `messages`, with other settings of its review where given. */
export const classifier = (
  labelReview: SupervisedDeclaration['labelReview'] = {},
): SupervisedDeclaration => ({
  ...churn,
  name: 'messages-classifier',
  kind: 'text-classifier',
  views: [messages],
  inputs: [{ name: 'text', view: 'messages', feature: 'text', type: 'text' }],
  label: {
    name: 'intent',
    transformation: null,
    sources: [],
    horizonDays: 0,
    everyDays: 1,
    periods: 30,
    classes: CLASSES,
  },
  labelReview,
});

export const resolvedOf = (declaration: SupervisedDeclaration): ResolvedDeclaration => ({
  hash: 'd'.repeat(64),
  declaration,
  code: { key: 'code/c.tar.gz', hash: 'c' },
});

/** Writes the rows of a query as one Parquet object. */
export async function writeParquet(
  store: ObjectStore,
  folder: string,
  key: string,
  query: string,
): Promise<void> {
  const path = join(folder, `${key.replaceAll(/[^a-z0-9]/gi, '-')}.parquet`);
  await withDatabase((database) => database.execute(`COPY (${query}) TO ${literal(path)} (FORMAT parquet)`));
  await store.upload(path, key);
}

export interface MadeUpEvent {
  event_id: string;
  text: string;
  customer_id?: string;
  /** As delivered; none where it was never labelled. */
  label?: string;
}

const rows = (values: string[][]): string => values.map((row) => `(${row.join(', ')})`).join(', ');

/** Delivers a day's events, and the labels of those that have one. */
export async function deliverEvents(
  store: ObjectStore,
  folder: string,
  day: Day,
  events: readonly MadeUpEvent[],
): Promise<void> {
  const at = `TIMESTAMPTZ '${day} 10:00:00+00'`;
  const texts = rows(
    events.map(({ event_id, text, customer_id = 'C1' }) => [event_id, text, customer_id].map(literal)),
  );
  await writeParquet(
    store,
    folder,
    `${Key.featurePartition(messages, day)}part-0.parquet`,
    `SELECT event_id, ${at} AS event_timestamp, ${at} AS created_timestamp, text, customer_id
     FROM (VALUES ${texts}) AS t(event_id, text, customer_id)`,
  );
  const labelled = events.filter(({ label }) => label !== undefined);
  if (labelled.length === 0) return;
  const labels = rows(labelled.map(({ event_id, label }) => [event_id, label!].map(literal)));
  await writeParquet(
    store,
    folder,
    `${Key.labelPartition('messages-classifier', day)}part-0.parquet`,
    `SELECT event_id, TIMESTAMPTZ '${day} 23:00:00+00' AS event_timestamp, label, ${at} AS created_timestamp, 'vendor' AS source
     FROM (VALUES ${labels}) AS t(event_id, label)`,
  );
}

/** One day's requests of customers to be left out. */
export const optOut = (
  store: ObjectStore,
  folder: string,
  day: Day,
  ...customers: readonly string[]
): Promise<void> =>
  writeParquet(
    store,
    folder,
    `${Key.rawPartition('opt-outs', day)}part-0.parquet`,
    `SELECT unnest([${customers.map(literal).join(', ')}]) AS customer_id, DATE '${day}' AS requested_on`,
  );
