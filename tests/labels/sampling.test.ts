import { createLabelActivities } from '../../activities/labels';
import { readBatch } from '../../activities/labels/batch';
import type { ReviewEvent } from '../../contracts/label-review';
import type { SupervisedDeclaration } from '../../contracts/model';
import {
  CLASSES,
  classifier,
  deliverEvents,
  messages,
  optOut,
  resolvedOf,
  writeParquet,
  type MadeUpEvent,
} from './made-up-events';
import { asLiteral, setStage, type LabelStage } from './stage';

jest.setTimeout(30_000);

const [arrival, lost, size] = CLASSES as [string, string, string];
const WINDOW = { from: '2026-09-01', to: '2026-09-30' };

let stage: LabelStage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());
beforeEach(() => stage.clear());

const open = (
  labelReview: SupervisedDeclaration['labelReview'],
  { seed = 'run', quarter = '2026-Q4' } = {},
) =>
  stage.run(createLabelActivities(stage).openReview, {
    resolved: resolvedOf(classifier(labelReview)),
    quarter,
    window: WINDOW,
    seed,
  });
const batch = (quarter = '2026-Q4'): Promise<ReviewEvent[]> =>
  readBatch(stage.store, 'messages-classifier', quarter);
const idsOf = (events: readonly ReviewEvent[]): string[] => events.map(({ event_id }) => event_id);

const events = (count: number, prefix = 'E'): MadeUpEvent[] =>
  Array.from({ length: count }, (_, index) => ({ event_id: `${prefix}${index}`, text: `text ${index}` }));
const deliver = (day: string, all: readonly MadeUpEvent[]) =>
  deliverEvents(stage.store, stage.folder, day, all);

interface Captured {
  event_id?: string;
  text?: string;
  version?: string;
  label: string;
  score: number;
  at?: string;
}
const capture = (all: readonly Captured[]) =>
  writeParquet(
    stage.store,
    stage.folder,
    'predictions/messages-classifier/dt=2026-09-20/hour=10/1-0.parquet',
    `SELECT * FROM (VALUES ${all
      .map(
        ({ event_id, text = null, version = 'v1', label, score, at = '10:00' }, index) =>
          `('${index}', TIMESTAMPTZ '2026-09-20 ${at}:00+00', '${version}', ` +
          `${asLiteral(event_id ? JSON.stringify({ event_id }) : null)}, ${score}::DOUBLE, ${asLiteral(label)}, ` +
          `NULL::VARCHAR, ${asLiteral(text)})`,
      )
      .join(', ')}) AS t(request_id, "time", version, entity, prediction, predicted_label, error, text)`,
  );

it('takes recent events alone where nothing was captured, the same for the same seed, without empty texts', async () => {
  await deliver('2026-08-31', events(5, 'early'));
  await deliver('2026-09-10', [...events(30), { event_id: 'empty', text: '  ' }]);
  await deliver('2026-09-30', events(30, 'F'));
  const { manifest } = await open({ size: 20 });
  expect(manifest.batch).toMatchObject({
    events: 20,
    reasons: { uncertain: 0, disagreeing: 0, recent: 20 },
  });
  const first = idsOf(await batch());
  expect(first.every((id) => /^[EF]\d+$/.test(id))).toBe(true);
  expect(new Set(first.map((id) => id[0])).size).toBe(2);
  await open({ size: 20 }, { quarter: '2027-Q1' });
  expect(idsOf(await batch('2027-Q1'))).toEqual(first);
  await open({ size: 20 }, { quarter: '2027-Q2', seed: 'another run' });
  expect(idsOf(await batch('2027-Q2'))).not.toEqual(first);
});

it('is written once: whoever opens the quarter again goes on with what lies there', async () => {
  await deliver('2026-09-10', events(30));
  const { manifest } = await open({ size: 5 });
  const before = await stage.store.list('labels/');
  await deliver('2026-09-11', events(30, 'later'));
  expect((await open({ size: 9 }, { seed: 'another' })).manifest).toEqual(manifest);
  // A process was killed between the batch and its manifest.
  await stage.store.delete('labels/messages-classifier/reviews/2026-Q4/manifest.json');
  expect((await open({ size: 9 }, { seed: 'another' })).manifest.batch).toEqual(manifest.batch);
  expect((await stage.store.list('labels/')).map(({ key, etag }) => [key, etag])[0]).toEqual([
    before[0]!.key,
    before[0]!.etag,
  ]);
});

it('takes what the model is least sure of, and what labels, classes and versions disagree on', async () => {
  const labelled = [arrival, lost, 'retired class'].map((label, index) => ({
    event_id: `L${index}`,
    text: `labelled ${index}`,
    label,
  }));
  await deliver('2026-09-10', [...events(20), ...labelled]);
  await capture([
    { event_id: 'E1', label: arrival, score: 0.3 },
    { event_id: 'E2', label: arrival, score: 0.2, at: '09:00' },
    // The newest answer counts.
    { event_id: 'E2', label: lost, score: 0.9, at: '10:00' },
    { event_id: 'E3', label: arrival, score: 0.4 },
    // About no event by name: every event of that text.
    { text: 'text 4', label: size, score: 0.35 },
    { event_id: 'E5', version: 'v1', label: arrival, score: 0.99 },
    { event_id: 'E5', version: 'v2', label: lost, score: 0.98 },
    { event_id: 'L0', label: arrival, score: 0.95 },
    { event_id: 'L1', label: size, score: 0.97 },
    { event_id: 'nobody', label: size, score: 0.1 },
  ]);
  const { manifest } = await open({ size: 10, shares: { uncertain: 1, disagreeing: 1, recent: 0.5 } });
  expect(manifest.batch.reasons).toEqual({ uncertain: 4, disagreeing: 3, recent: 3 });
  const found = await batch();
  const byName = <Row extends unknown[]>(rows: Row[]): Row[] =>
    rows.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  const of = (reason: string) =>
    found.filter((event) => event.reason === reason).map(({ event_id, detail }) => [event_id, detail]);
  expect(byName(of('disagreeing'))).toEqual([
    ['E5', `v1 predicted ${arrival}, v2 predicted ${lost}`],
    ['L1', `labelled ${lost}, predicted ${size}`],
    ['L2', 'labelled retired class, which is no class'],
  ]);
  expect(byName(of('uncertain'))).toEqual([
    ['E1', `the model is 0.300 sure of ${arrival}`],
    ['E2', `the model is 0.900 sure of ${lost}`],
    ['E3', `the model is 0.400 sure of ${arrival}`],
    ['E4', `the model is 0.350 sure of ${size}`],
  ]);
  expect(found.find(({ event_id }) => event_id === 'L1')).toMatchObject({
    text: 'labelled 1',
    day: '2026-09-10',
    label: lost,
    predicted_label: size,
    score: 0.97,
  });
});

it('leaves out what belongs to a customer who has asked to be left out, whatever was captured of it', async () => {
  await deliver('2026-09-10', [...events(3), { event_id: 'private', text: 'mine', customer_id: 'C2' }]);
  await capture([{ event_id: 'private', label: arrival, score: 0.1 }]);
  await optOut(stage.store, stage.folder, '2026-09-12', 'C2', 'C99');
  const { manifest } = await open({ size: 10 });
  expect(idsOf(await batch()).sort()).toEqual(['E0', 'E1', 'E2']);
  expect(manifest.owners).toEqual([
    { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'string', personal: true }] },
  ]);
});

it('leaves nobody out where events do not say whose they are, and refuses partitions that should', async () => {
  const [text, customer] = messages.features;
  const unowned = classifier({ size: 10 });
  unowned.views = [{ ...messages, features: [text!] }];
  await deliver('2026-09-10', [...events(3), { event_id: 'private', text: 'mine', customer_id: 'C2' }]);
  await optOut(stage.store, stage.folder, '2026-09-12', 'C2');
  const { manifest } = await stage.run(createLabelActivities(stage).openReview, {
    resolved: resolvedOf(unowned),
    quarter: '2026-Q4',
    window: WINDOW,
    seed: 's',
  });
  expect(idsOf(await batch())).toHaveLength(4);
  expect(manifest).not.toHaveProperty('owners');

  const author: SupervisedDeclaration = classifier({ size: 10 });
  author.views = [{ ...messages, features: [text!, { ...customer!, name: 'author_id' }] }];
  await expect(
    stage.run(createLabelActivities(stage).openReview, {
      resolved: resolvedOf(author),
      quarter: '2027-Q1',
      window: WINDOW,
      seed: 's',
    }),
  ).rejects.toMatchObject({
    code: 'CorruptObject',
    message: expect.stringContaining(
      'expected the column author_id, which says whose the rows of messages are',
    ),
  });
});

it('says where it looked in vain', async () => {
  await expect(open({})).rejects.toMatchObject({
    code: 'MissingObject',
    message: expect.stringContaining('features/messages/: expected events with a text from 2026-09-01'),
  });
  await deliver('2026-09-10', [{ event_id: 'empty', text: ' ' }]);
  await expect(open({})).rejects.toMatchObject({ code: 'MissingObject' });
  expect(await stage.store.list('labels/')).toEqual([]);
});

it('names an object that cannot be read', async () => {
  await deliver('2026-09-10', events(3));
  await stage.store.put('labels/messages-classifier/dt=2026-09-11/part-0.parquet', 'no Parquet');
  await expect(open({})).rejects.toMatchObject({
    code: 'CorruptObject',
    message: expect.stringContaining('labels/messages-classifier/dt=2026-09-11/part-0.parquet'),
  });
});
