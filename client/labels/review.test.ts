import { reviewSettingsOf, type ReviewEvent, type Vote } from '../../contracts/label-review';
import { checkLabels, eventsFor, exportRows, parsePairs, submissionsOf, type Review } from './review';

const event = (event_id: string): ReviewEvent => ({
  event_id,
  text: `text of ${event_id}`,
  day: '2026-09-10',
  reason: 'recent',
  detail: 'an event of 2026-09-10',
  label: null,
  predicted_label: null,
  score: null,
});
const vote = (event_id: string, by: string, label: string): Vote => ({
  event_id,
  by,
  label,
  sequence: 1,
  at: '2026-10-01T00:00:00.000Z',
});
const review = (ids: string[], votes: Vote[] = []): Review => ({
  manifest: {
    formatVersion: 1,
    model: 'm',
    quarter: '2026-Q4',
    declarationHash: 'd',
    seed: 's',
    window: { from: '2026-07-01', to: '2026-09-30' },
    settings: reviewSettingsOf({}),
    classes: ['a', 'b'],
    entity: { name: 'event_id', type: 'string', personal: false },
    batch: {
      key: 'batch.parquet',
      sha256: '0',
      events: ids.length,
      reasons: { uncertain: 0, disagreeing: 0, recent: ids.length },
    },
  },
  events: ids.map(event),
  votes,
  withheld: new Set<string>(),
});

it('gives out what is not covered and not labelled by the person yet, what is covered soonest first', () => {
  const votes = [
    vote('covered', 'ben', 'a'),
    vote('covered', 'cy', 'a'),
    vote('mine', 'ana', 'a'),
    vote('begun', 'ben', 'a'),
    vote('tied', 'ben', 'a'),
    vote('tied', 'cy', 'b'),
  ];
  const all = review(['first', 'covered', 'mine', 'begun', 'tied', 'last'], votes);
  const ids = (count: number) => eventsFor(all, 'ana', count).map(({ event_id }) => event_id);
  expect(ids(10)).toEqual(['tied', 'begun', 'first', 'last']);
  expect(ids(2)).toEqual(['tied', 'begun']);
});

it('exports what the person has given so far', () => {
  const rows = exportRows(review(['E1', 'E2'], [vote('E1', 'ana', 'a'), vote('E2', 'ben', 'b')]), 'ana');
  expect(rows.map(({ event_id, label }) => [event_id, label])).toEqual([
    ['E1', 'a'],
    ['E2', ''],
  ]);
});

it('reads event=label, parted at the first sign', () => {
  expect(parsePairs(['E1=a=b'])).toEqual([{ event_id: 'E1', label: 'a=b' }]);
  for (const pair of ['E1', '=a', 'E1='])
    expect(() => parsePairs([pair])).toThrow(`Expected event=label, found "${pair}"`);
});

it.each([
  ['nothing', [], 'labels: expected at least one label'],
  [
    'an event twice',
    [
      ['E1', 'a'],
      ['E1', 'b'],
    ],
    'labels.1.event_id: expected each event once',
  ],
  [
    'another event',
    [['E9', 'a']],
    'labels.0.event_id: expected an event of the batch of 2026-Q4, found "E9"',
  ],
  ['another class', [['E1', 'c']], 'labels.0.label: expected one of a, b, found "c"'],
])('refuses %s before anything is sent', (_what, pairs, message) => {
  const labels = pairs.map(([event_id, label]) => ({ event_id: event_id!, label: label! }));
  expect(() => checkLabels(review(['E1']), labels)).toThrow(message);
});

it('cuts many labels into submissions of a size that a history takes', () => {
  const labels = Array.from({ length: 1234 }, (_, index) => ({
    event_id: `E${index}`,
    label: index % 2 ? 'x'.repeat(450) : 'a',
  }));
  const parts = submissionsOf(labels);
  expect(parts.flat()).toEqual(labels);
  for (const part of parts) {
    expect(part.length).toBeLessThanOrEqual(500);
    expect(Buffer.byteLength(JSON.stringify(part))).toBeLessThan(160 * 1024);
  }
});
