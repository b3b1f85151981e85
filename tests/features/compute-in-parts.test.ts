import fc from 'fast-check';
import { createComputeFeatures } from '../../activities/features/compute-features';
import { addDays, daysBetween, type Day } from '../../contracts/days';
import type { PartitionReport } from '../../contracts/features';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { layDelivered, layRaw, spending } from './compute-tables';
import { setStage, type Stage } from './stage';

jest.setTimeout(60_000);

const since: Day = '2026-03-10';
const before = addDays(since, -1);
const at = (offset: number): Day => addDays(since, offset);
/** A back-fill of six days in three parts. */
const days = daysBetween(since, at(5));
const parts = [0, 2, 4].map((offset) => [at(offset), at(offset + 1)]);

let stage: Stage;
let views = 0;

beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());

type Kind = 'computed' | 'delivered';

function freshView(kind: Kind, changes: Partial<FeatureView> = {}): FeatureView {
  const n = views++;
  return {
    ...spending,
    name: `parted_${n}`,
    checks: { maxRowChange: 0.2 },
    features: [{ name: 'amount', type: 'int64', checks: { maxPsi: 0.2 } }],
    sources: kind === 'computed' ? [{ table: `parts_${n}`, lookBackDays: 1 }] : [],
    transformation: kind === 'computed' ? `SELECT customer_id, amount FROM parts_${n}` : null,
    ...changes,
  };
}

/** A day's rows, as its source has them; `shift` moves the values, and is no slight matter. */
async function layDay(view: FeatureView, day: Day, { rows = 250, shift = 0 } = {}): Promise<void> {
  const sql = `SELECT 'C' || i AS customer_id, i % 50 + ${shift} AS amount FROM range(${rows}) AS t(i)`;
  const [source] = view.sources;
  if (source) await layRaw(stage, source.table, day, sql);
  else
    await layDelivered(
      stage,
      view,
      day,
      `SELECT *, TIMESTAMPTZ '${day} 12:00:00+00' AS event_timestamp, now() AS created_timestamp FROM (${sql})`,
    );
}

/** @returns the message of the error, null where there was none. */
const compute = (view: FeatureView, part: Day[], first?: Day): Promise<string | null> =>
  stage.run(createComputeFeatures(stage), { view, days: part, scope: 'changed' as const, since: first }).then(
    () => null,
    (error: Error) => error.message.replaceAll(view.name, 'VIEW'),
  );

const reportOf = async (view: FeatureView, day: Day): Promise<PartitionReport | null> => {
  const found = await stage.store.find(Key.partitionReport(view, day));
  return found && (JSON.parse(found.body.toString('utf8')) as PartitionReport);
};
const comparisons = (view: FeatureView) =>
  Promise.all(days.map(async (day) => (await reportOf(view, day))?.comparedWith));

describe.each<Kind>(['computed', 'delivered'])('a back-fill in parts of a %s view', (kind) => {
  it('compares each day with the one before it, in whatever order the parts come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(parts, { minLength: 3 }), async (order) => {
        const view = freshView(kind);
        for (const day of [before, ...days]) await layDay(view, day);
        await compute(view, [before]);
        for (const part of order) expect(await compute(view, part, since)).toBeNull();
        expect(await comparisons(view)).toEqual([before, ...days.slice(0, -1)]);
        const { checks } = (await reportOf(view, at(2)))!;
        expect(checks).toContain(`row count: 250, as many as dt=${at(1)}`);
        expect(checks).toContain(`PSI of amount: 0.000 against dt=${at(1)}, at most 0.2`);
      }),
      { numRuns: 4 },
    );
  });

  it.each([
    ['other values', { shift: 40 }, /amount has a PSI of .* against dt=2026-03-11/],
    ['other rows', { rows: 400 }, /found 400 rows, 60 % more than dt=2026-03-11/],
  ])('blocks %s at the head of a part, however the parts race', async (_what, change, told) => {
    for (const order of [parts, parts.toReversed(), [parts[1]!, parts[0]!, parts[2]!]]) {
      const view = freshView(kind);
      for (const day of days) await layDay(view, day, day >= at(2) ? change : {});
      const outcomes: Record<Day, string | null> = {};
      for (const part of order) outcomes[part[0]!] = await compute(view, part, since);
      expect(outcomes).toEqual({ [at(0)]: null, [at(2)]: expect.stringMatching(told), [at(4)]: null });
    }
  });

  it('compares with no day that is not good by itself, or is not there', async () => {
    const features: FeatureView['features'] = [
      { name: 'amount', type: 'int64', checks: { maxPsi: 0.2, max: 100 } },
    ];
    for (const order of [parts, parts.toReversed()]) {
      const view = freshView(kind, { features });
      for (const day of [before, at(0), at(2), at(4)]) await layDay(view, day);
      // The day before the second part is missing, that before the third breaks a rule.
      await layDay(view, at(3), { shift: 1000 });
      await layDay(view, at(5));
      await compute(view, [before]);
      for (const part of order) await compute(view, part, since);
      expect(await comparisons(view)).toEqual([before, undefined, at(0), undefined, at(2), at(4)]);
    }
  });
});

it('a view whose checks compare nothing tells how its rows have changed since before the back-fill', async () => {
  for (const order of [parts, parts.toReversed()]) {
    const view = freshView('computed', { checks: {}, features: spending.features });
    for (const day of [before, ...days]) await layDay(view, day);
    await compute(view, [before]);
    for (const part of order) expect(await compute(view, part, since)).toBeNull();
    expect(await comparisons(view)).toEqual([before, at(0), before, at(2), before, at(4)]);
  }
});
