import { createDatasetActivities } from '../../activities/datasets';
import { createLabelActivities } from '../../activities/labels';
import type { GivenLabel } from '../../contracts/label-review';
import type { ObjectStore } from '../../platform/s3';
import {
  CLASSES,
  classifier,
  deliverEvents,
  resolvedOf,
  writeParquet,
  type MadeUpEvent,
} from './made-up-events';
import { setStage, type LabelStage } from './stage';

jest.setTimeout(30_000);

const MODEL = 'messages-classifier';
const QUARTER = '2026-Q4';
const [arrival, lost, size] = CLASSES as [string, string, string];
const review = { model: MODEL, quarter: QUARTER };
const partition = (day: string, file = 'part-0') => `labels/${MODEL}/dt=${day}/${file}.parquet`;

let stage: LabelStage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());
beforeEach(() => stage.clear());

const activities = (store: ObjectStore = stage.store) => createLabelActivities({ store });
const deliver = (day: string, events: readonly MadeUpEvent[]) =>
  deliverEvents(stage.store, stage.folder, day, events);
const event = (event_id: string, label?: string): MadeUpEvent => ({
  event_id,
  text: `text of ${event_id}`,
  label,
});

/**
 * Two days of events, labelled by two people. `kept` and `other` come to what was delivered, `wrong` and `late` to another
 * label, `bare` had none, of `tied` they say different things, and `once` is labelled by one of them.
 */
async function reviewed(): Promise<void> {
  await deliver('2026-09-10', [
    event('kept', arrival),
    event('other', size),
    event('tied', lost),
    event('wrong', arrival),
  ]);
  await deliver('2026-09-11', [event('bare'), event('late'), event('once')]);
  // A label may be delivered days after its event, and not to be reviewed at all.
  await writeParquet(
    stage.store,
    stage.folder,
    partition('2026-09-14', 'vendor'),
    `SELECT label, event_id, TIMESTAMP '2026-09-14 08:00:00' AS event_timestamp FROM (VALUES
       ('${arrival}', 'late'), ('${size}', 'elsewhere')) AS t(label, event_id)`,
  );
  const { openReview, recordLabels } = activities();
  await stage.run(openReview, {
    resolved: resolvedOf(classifier({ size: 10 })),
    quarter: QUARTER,
    window: { from: '2026-09-01', to: '2026-09-30' },
    seed: 's',
  });
  const said = { kept: arrival, other: size, wrong: lost, late: size, bare: size };
  const submit = (by: string, sequence: number, labels: Record<string, string>) =>
    stage.run(recordLabels, {
      ...review,
      submission: {
        submissionId: by,
        by,
        sequence,
        at: `2026-10-0${sequence}T12:00:00.000Z`,
        labels: Object.entries(labels).map(([event_id, label]): GivenLabel => ({ event_id, label })),
      },
    });
  await submit('ana', 1, { ...said, tied: lost, once: lost });
  await submit('ben', 2, { ...said, tied: size });
}

const labelsOf = async (key: string) =>
  (await stage.rows(key, 'event_id, label, reviewed_by, reviewed_at')).map((row) => Object.values(row));
const by = ['ana, ben', new Date('2026-10-02T12:00:00.000Z')];
const nobody = [null, null];
const expected = {
  [partition('2026-09-10')]: [
    ['kept', arrival, ...by],
    ['other', size, ...by],
    ['tied', lost, ...nobody],
    ['wrong', lost, ...by],
  ],
  [partition('2026-09-11', `reviewed-${QUARTER}`)]: [['bare', size, ...by]],
  [partition('2026-09-14', 'vendor')]: [
    ['late', size, ...by],
    ['elsewhere', size, ...nobody],
  ],
};
const found = async () => {
  const partitions = (await stage.store.list(`labels/${MODEL}/dt=`)).map(({ key }) => key);
  return Object.fromEntries(await Promise.all(partitions.map(async (key) => [key, await labelsOf(key)])));
};

it('writes what most of them say over what was delivered, where an event has its label, and keeps all the rest', async () => {
  await reviewed();
  expect(await stage.run(activities().settleReview, review)).toMatchObject({
    reviewed: 5,
    changed: 2,
    added: 1,
    coverage: 5 / 7,
    agreement: 5 / 6,
  });
  expect(await stage.run(activities().applyReview, review)).toEqual([
    '2026-09-10',
    '2026-09-11',
    '2026-09-14',
  ]);
  expect(await found()).toEqual(expected);
  const [wrong, tied] = [3, 2];
  const rows = await stage.rows(partition('2026-09-10'));
  expect(rows[tied]).toMatchObject({
    source: 'vendor',
    event_timestamp: new Date('2026-09-10T23:00:00Z'),
    created_timestamp: new Date('2026-09-10T10:00:00Z'),
  });
  expect(rows[wrong]).toMatchObject({ source: 'vendor', event_timestamp: new Date('2026-09-10T23:00:00Z') });
  // It became known when the review was settled.
  expect((rows[wrong]!['created_timestamp'] as Date).getTime()).toBeGreaterThan(Date.now() - 60_000);
  const [bare] = await stage.rows(partition('2026-09-11', `reviewed-${QUARTER}`));
  expect(bare).toMatchObject({ event_timestamp: new Date('2026-09-12T00:00:00Z') });
});

it('writes nothing twice, and what the review came to stays what it was', async () => {
  await reviewed();
  const first = await stage.run(activities().settleReview, review);
  await stage.run(activities().applyReview, review);
  const objects = await stage.store.list('labels/');
  expect(await stage.run(activities().settleReview, review)).toEqual(first);
  expect(await stage.run(activities().applyReview, review)).toEqual([
    '2026-09-10',
    '2026-09-11',
    '2026-09-14',
  ]);
  expect(await stage.store.list('labels/')).toEqual(objects);
});

it('comes to the same wherever it is killed', async () => {
  await reviewed();
  let writes = 0;
  /** Dies at the n-th write, after it or before it. */
  const mortal = (n: number, after: boolean): ObjectStore => {
    const dying =
      <Args extends unknown[], Result>(write: (...args: Args) => Promise<Result>) =>
      async (...args: Args): Promise<Result> => {
        writes += 1;
        if (writes === n && !after) throw new Error('killed');
        const result = await write(...args);
        if (writes === n) throw new Error('killed');
        return result;
      };
    const { store } = stage;
    return {
      ...store,
      create: dying((...args: Parameters<ObjectStore['create']>) => store.create(...args)),
      replace: dying((...args: Parameters<ObjectStore['replace']>) => store.replace(...args)),
      put: dying((...args: Parameters<ObjectStore['put']>) => store.put(...args)),
    };
  };
  const run = async (store: ObjectStore) => {
    const { settleReview, applyReview } = activities(store);
    const outcome = await stage.run(settleReview, review);
    return { outcome, days: await stage.run(applyReview, review) };
  };
  for (const after of [true, false]) {
    for (let n = 1; n <= 2; n += 1) {
      writes = 0;
      await expect(run(mortal(n, after))).rejects.toThrow('killed');
    }
  }
  const { outcome, days } = await run(stage.store);
  expect(outcome).toMatchObject({ reviewed: 5, changed: 2, added: 1 });
  expect(days).toEqual(['2026-09-10', '2026-09-11', '2026-09-14']);
  expect(await found()).toEqual(expected);
});

it('tries again where labels are delivered anew meanwhile', async () => {
  await reviewed();
  await stage.run(activities().settleReview, review);
  const overtaken: ObjectStore = { ...stage.store, replace: async () => false };
  await expect(stage.run(activities(overtaken).applyReview, review)).rejects.toMatchObject({
    code: 'Conflict',
    retryable: true,
  });
});

it('is what a dataset is made of', async () => {
  await reviewed();
  await stage.run(activities().settleReview, review);
  await stage.run(activities().applyReview, review);
  const labelled = await stage.run(createDatasetActivities(stage).labelEntities, {
    declaration: classifier(),
    asOf: '2026-10-10',
  });
  expect(labelled).toMatchObject({ days: ['2026-09-10', '2026-09-11', '2026-09-14'], rows: 7 });
});

it('comes back in the next review where its reviewers disagreed, and not where they agreed', async () => {
  await reviewed();
  await stage.run(activities().settleReview, review);
  await stage.run(activities().applyReview, review);
  const { manifest } = await stage.run(activities().openReview, {
    resolved: resolvedOf(classifier({ size: 10, shares: { uncertain: 0, disagreeing: 1, recent: 0 } })),
    quarter: '2027-Q1',
    window: { from: '2026-09-01', to: '2026-12-31' },
    seed: 's',
  });
  const rows = await stage.rows(manifest.batch.key, 'event_id, reason, detail');
  expect(rows.sort((a, b) => String(a['event_id']).localeCompare(String(b['event_id'])))).toEqual([
    { event_id: 'once', reason: 'recent', detail: 'an event of 2026-09-11' },
    { event_id: 'tied', reason: 'disagreeing', detail: `reviewers in 2026-Q4: ${size} 1, ${lost} 1` },
  ]);
});
