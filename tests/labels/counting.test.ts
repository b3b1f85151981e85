import fc from 'fast-check';
import { createLabelActivities } from '../../activities/labels';
import { reviewKeys } from '../../activities/labels/batch';
import { readVotes } from '../../activities/labels/votes';
import type { GivenLabel, ReviewProgress, SubmissionReceipt } from '../../contracts/label-review';
import { mask } from '../../contracts/masking';
import { sha256, type ObjectStore } from '../../platform/s3';
import { CLASSES, classifier, deliverEvents, messages, resolvedOf } from './made-up-events';
import { setStage, type LabelStage } from './stage';

jest.setTimeout(30_000);

const MODEL = 'messages-classifier';
const EVENTS = ['E0', 'E1', 'E2', 'E3'];

let stage: LabelStage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());

let reviews = 0;
/** Opens a review of four events, of its own. */
async function openReview(declaration = classifier({ size: 4 })): Promise<string> {
  const quarter = `${3000 + reviews++}-Q1`;
  await deliverEvents(
    stage.store,
    stage.folder,
    '2026-09-10',
    EVENTS.map((event_id) => ({ event_id, text: `text of ${event_id}` })),
  );
  await stage.run(createLabelActivities(stage).openReview, {
    resolved: resolvedOf(declaration),
    quarter,
    window: { from: '2026-09-01', to: '2026-09-30' },
    seed: 's',
  });
  return quarter;
}

const record = (
  quarter: string,
  by: string,
  sequence: number,
  labels: GivenLabel[],
  { submissionId = `${by} ${sequence}`, store = stage.store } = {},
): Promise<SubmissionReceipt> =>
  stage.run(createLabelActivities({ store }).recordLabels, {
    model: MODEL,
    quarter,
    submission: { submissionId, by, sequence, at: new Date(sequence * 1000).toISOString(), labels },
  });
const label = (event_id: string, index = 0): GivenLabel => ({ event_id, label: CLASSES[index]! });

it('names every label that fits no event or no class, and counts nothing of the submission', async () => {
  const quarter = await openReview();
  const given = [label('E0'), label('E9'), { event_id: 'E1', label: 'no class' }];
  await expect(record(quarter, 'ana', 1, given)).rejects.toMatchObject({
    code: 'InvalidInput',
    fields: [
      { field: 'labels.1.event_id', found: '"E9"', expected: `an event of the batch of ${quarter}` },
      { field: 'labels.2.label', found: '"no class"', expected: `one of ${CLASSES.join(', ')}` },
    ],
  });
  expect((await readVotes(stage.store, MODEL, quarter)).votes).toEqual([]);
});

it('does not show what names a person', async () => {
  const views = [
    {
      ...messages,
      entity: { ...messages.entity, joinKeys: [{ ...messages.entity.joinKeys[0]!, personal: true }] },
    },
  ];
  const quarter = await openReview({ ...classifier({ size: 4 }), views });
  const refusal = await record(quarter, 'ana', 1, [label('jo@example.com')]).catch((error: unknown) => error);
  expect((refusal as Error).message).toContain(mask('jo@example.com'));
  expect(JSON.stringify([refusal, (refusal as Error).message])).not.toContain('example.com');
});

it('takes another submission under the same ID for a mistake', async () => {
  const quarter = await openReview();
  await record(quarter, 'ana', 1, [label('E0')], { submissionId: 'one' });
  await expect(record(quarter, 'ana', 2, [label('E0', 1)], { submissionId: 'one' })).rejects.toMatchObject({
    code: 'Conflict',
    message: expect.stringContaining('another submissionId'),
  });
  await expect(record(quarter, 'ben', 3, [label('E0')], { submissionId: 'one' })).rejects.toMatchObject({
    code: 'Conflict',
  });
  expect(await record(quarter, 'ana', 4, [label('E0')], { submissionId: 'one' })).toMatchObject({
    duplicate: true,
    progress: { revision: 1 },
  });
});

it('counts a submission that was kept, and not counted when its process was killed', async () => {
  const quarter = await openReview();
  const killed = (method: 'create' | 'replace', when: (key: string) => boolean): ObjectStore => ({
    ...stage.store,
    [method]: (key: string, ...rest: [never, never]) => {
      if (when(key)) throw new Error('killed');
      return stage.store[method](key, ...rest);
    },
  });
  const isVotes = (key: string): boolean => key === reviewKeys(MODEL, quarter).votes;
  const lost = killed('create', isVotes);
  await expect(record(quarter, 'ana', 1, [label('E0')], { store: lost })).rejects.toThrow('killed');
  expect((await readVotes(stage.store, MODEL, quarter)).votes).toEqual([]);
  // Ana has submitted again meanwhile: what she said last stands, although it is counted first.
  await record(quarter, 'ana', 2, [label('E0', 1)]);
  expect(await record(quarter, 'ana', 1, [label('E0')])).toMatchObject({ duplicate: false });
  expect((await readVotes(stage.store, MODEL, quarter)).votes).toMatchObject([
    { event_id: 'E0', by: 'ana', label: CLASSES[1], sequence: 2 },
  ]);
});

it('loses nothing of what is counted at the same time', async () => {
  const quarter = await openReview();
  const people = Array.from({ length: 6 }, (_, index) => `person ${index}`);
  await Promise.all(people.map((by, index) => record(quarter, by, index + 1, [label('E0', index % 2)])));
  const { votes, revision } = await readVotes(stage.store, MODEL, quarter);
  expect(votes.map(({ by }) => by)).toEqual(people);
  expect(revision).toBe(people.length);
});

/** What came in, counted plainly: by person and event the label that was sent last. */
function plainly(sent: readonly { by: string; labels: GivenLabel[] }[]) {
  const standing = new Map<string, string>();
  for (const { by, labels } of sent)
    for (const { event_id, label: given } of labels) standing.set(`${event_id} ${by}`, given);
  const of = (event: string) =>
    [...standing].filter(([key]) => key.startsWith(`${event} `)).map(([, given]) => given);
  const isCovered = (labels: string[]): boolean => {
    const counts = CLASSES.map((one) => labels.filter((given) => given === one).length).sort((a, b) => b - a);
    return labels.length >= 2 && counts[0] !== counts[1];
  };
  const shares = EVENTS.map(of)
    .filter((labels) => labels.length > 1)
    .map((labels) => {
      const pairs = labels.flatMap((a, index) => labels.slice(index + 1).map((b) => Number(a === b)));
      return pairs.reduce((sum, equal) => sum + equal, 0) / pairs.length;
    });
  return {
    covered: EVENTS.filter((event) => isCovered(of(event))).length,
    agreement: shares.length === 0 ? -1 : shares.reduce((sum, share) => sum + share, 0) / shares.length,
    votes: [...standing].map(([key, given]) => `${key}: ${given}`).sort(),
  };
}

it('comes to what plain counting comes to, whatever is sent twice, on the real store', async () => {
  const submission = fc.record({
    by: fc.constantFrom('ana', 'ben', 'cy'),
    labels: fc.uniqueArray(
      fc.record({ event_id: fc.constantFrom(...EVENTS), label: fc.constantFrom(...CLASSES) }),
      { minLength: 1, selector: ({ event_id }) => event_id },
    ),
    again: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(submission, { minLength: 1, maxLength: 8 }), async (sent) => {
      const quarter = await openReview();
      let progress: ReviewProgress | undefined;
      for (const [index, { by, labels, again }] of sent.entries()) {
        ({ progress } = await record(quarter, by, index + 1, labels));
        if (!again) continue;
        const repeated = await record(quarter, by, index + 100, labels, {
          submissionId: `${by} ${index + 1}`,
        });
        expect(repeated).toEqual({
          submissionId: `${by} ${index + 1}`,
          labels: labels.length,
          duplicate: true,
          progress,
        });
      }
      const expected = plainly(sent);
      expect(progress).toMatchObject({ covered: expected.covered, coverage: expected.covered / 4 });
      expect(progress!.agreement ?? -1).toBeCloseTo(expected.agreement, 12);
      const { votes } = await readVotes(stage.store, MODEL, quarter);
      expect(votes.map(({ event_id, by, label: given }) => `${event_id} ${by}: ${given}`).sort()).toEqual(
        expected.votes,
      );
      const kept = await stage.store.list(reviewKeys(MODEL, quarter).submissions);
      expect(kept.map(({ key }) => key).sort()).toEqual(
        sent
          .map(
            ({ by }, index) =>
              `${reviewKeys(MODEL, quarter).submissions}${sha256(`${by} ${index + 1}`)}.json`,
          )
          .sort(),
      );
    }),
    { numRuns: 8 },
  );
});
