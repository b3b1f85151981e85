import { createLabelActivities } from '../../activities/labels';
import { createPrivacyActivities } from '../../activities/privacy';
import { checkLabels, eventsFor, exportRows, readReview } from '../../client/labels/review';
import type { OpenedReview } from '../../contracts/label-review';
import { parquetFiles, withDatabase } from '../../platform/duckdb';
import { setStage, type Stage } from '../features/stage';
import {
  CLASSES,
  classifier,
  deliverEvents,
  messages,
  optOut,
  resolvedOf,
  writeParquet,
} from './made-up-events';

jest.setTimeout(60_000);

const MODEL = 'messages-classifier';
const review = { model: MODEL, quarter: '2026-Q4' };
const BATCH = `labels/${MODEL}/reviews/2026-Q4/batch.parquet`;
const DELIVERED = `labels/${MODEL}/dt=2026-09-10/part-0.parquet`;
const [arrival, lost, size] = CLASSES as [string, string, string];
const EVENTS = ['A', 'B', 'C', 'D', 'E'];

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());
beforeEach(async () => {
  for (const { key } of await stage.store.list('')) await stage.store.delete(key);
  await stage.redis.flushall();
  await openReview();
});

/** Five events of a customer each. Ana and Ben call A to C lost, which were delivered as arrivals; E Ana alone has seen. */
async function openReview(): Promise<void> {
  await deliverEvents(
    stage.store,
    stage.folder,
    '2026-09-10',
    EVENTS.map((id) => ({
      event_id: id,
      text: `text of ${id}`,
      customer_id: `customer of ${id}`,
      label: arrival,
    })),
  );
  await open();
  await submit('ana', 1, { A: lost, B: lost, C: lost, E: lost });
  await submit('ben', 2, { A: lost, B: lost, C: lost });
}
const open = (): Promise<OpenedReview> =>
  stage.run(createLabelActivities(stage).openReview, {
    resolved: resolvedOf(classifier({ size: 10 })),
    quarter: review.quarter,
    window: { from: '2026-09-01', to: '2026-09-30' },
    seed: 's',
  });
const submit = (by: string, sequence: number, labels: Record<string, string>) =>
  stage.run(createLabelActivities(stage).recordLabels, {
    ...review,
    submission: {
      submissionId: by,
      by,
      sequence,
      at: '2026-10-01T12:00:00.000Z',
      labels: Object.entries(labels).map(([event_id, label]) => ({ event_id, label })),
    },
  });
const leave = (...events: string[]) =>
  optOut(stage.store, stage.folder, '2026-10-05', ...events.map((id) => `customer of ${id}`));
const settle = () => stage.run(createLabelActivities(stage).settleReview, review);
const apply = () => stage.run(createLabelActivities(stage).applyReview, review);
const enforce = (runKey: string) =>
  stage.run(createPrivacyActivities(stage).enforceOptOuts, { views: [messages], runKey });

async function rowsOf(key: string, columns: string): Promise<Record<string, unknown>> {
  const path = `${stage.folder}/${key.replaceAll('/', '-')}`;
  await stage.store.download(key, path);
  const rows = await withDatabase((database) =>
    database.rows(`SELECT event_id, ${columns} AS value FROM ${parquetFiles([path])}`),
  );
  return Object.fromEntries(rows.map(({ event_id, value }) => [event_id, value]));
}

it('is given out no more once its customer has opted out, neither to label nor in a file', async () => {
  const waiting = async () =>
    eventsFor(await readReview(stage.store, MODEL), 'cy', 10)
      .map(({ event_id }) => event_id)
      .sort();
  expect(await waiting()).toEqual(['D', 'E']);
  await leave('E', 'B');
  expect(await waiting()).toEqual(['D']);
  const left = await readReview(stage.store, MODEL);
  expect(new Set(exportRows(left, 'cy').map(({ text }) => text))).toEqual(
    new Set(['text of A', 'text of C', 'text of D']),
  );
});

it('may still be labelled by who has exported it before, and does not count', async () => {
  await leave('E', 'B');
  const left = await readReview(stage.store, MODEL);
  expect(() => checkLabels(left, [{ event_id: 'E', label: lost }])).not.toThrow();
  expect(() => checkLabels(left, [{ event_id: 'X', label: lost }])).toThrow('an event of the batch');
  expect(await submit('cy', 3, { E: lost, D: size })).toMatchObject({
    labels: 2,
    progress: { events: 3, covered: 2, coverage: 2 / 3, withheld: 2 },
  });
  // As the review is opened again, after a worker was lost.
  expect(await open()).toMatchObject({ progress: { events: 3, covered: 2, withheld: 2 } });
});

it('is in neither the outcome nor the labels, whenever its customer left', async () => {
  await leave('A');
  expect(await settle()).toMatchObject({
    reviewed: 2,
    changed: 2,
    coverage: 2 / 4,
    withheld: 1,
  });
  const outcome = await rowsOf(`labels/${MODEL}/reviews/2026-Q4/outcome.parquet`, 'label');
  expect(outcome).toEqual({ B: lost, C: lost, E: null });
  // After the outcome, before it is written over the labels.
  await leave('A', 'B');
  expect(await apply()).toEqual(['2026-09-10']);
  expect(await rowsOf(DELIVERED, 'label')).toEqual({
    A: arrival,
    B: arrival,
    C: lost,
    D: arrival,
    E: arrival,
  });
});

it('loses its text in the batch in the next night, for good, and nothing else does', async () => {
  const before = await rowsOf(BATCH, '[text, owner.customer_id, reason, label]');
  expect(before['A']).toEqual(['text of A', 'customer of A', 'recent', arrival]);
  await leave('A', 'X');
  expect(await enforce('the first night')).toMatchObject({ entities: 2, erasedTexts: 1 });
  expect(await rowsOf(BATCH, '[text, owner.customer_id, reason, label]')).toEqual({
    ...before,
    A: [null, null, 'recent', arrival],
  });
  expect(await enforce('the next night')).toMatchObject({ erasedTexts: 0 });
  // Where the list is lost, who is out stays out.
  await stage.store.delete('raw/opt-outs/dt=2026-10-05/part-0.parquet');
  const { events, withheld } = await readReview(stage.store, MODEL);
  expect([events.length, ...withheld]).toEqual([4, 'A']);
  expect(await settle()).toMatchObject({ reviewed: 2, withheld: 1 });
});

it('leaves a review that may be completed where nobody is left', async () => {
  await leave(...EVENTS);
  expect(await open()).toMatchObject({ progress: { events: 0, coverage: 1, withheld: 5 } });
  expect(await settle()).toMatchObject({ reviewed: 0, coverage: 1, agreement: null, withheld: 5 });
  expect(await apply()).toEqual([]);
});

it('is withheld too where the list names the event itself', async () => {
  await writeParquet(
    stage.store,
    stage.folder,
    'raw/opt-outs/dt=2026-10-05/part-0.parquet',
    `SELECT 'C' AS event_id`,
  );
  const { withheld } = await readReview(stage.store, MODEL);
  expect([...withheld]).toEqual(['C']);
});
