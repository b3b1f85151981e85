import { createComputeFeatures } from '../../activities/features/compute-features';
import { describeView } from '../../client/feature-catalogue';
import { publishFeatureView } from '../../client/feature-views';
import { addDays, type Day } from '../../contracts/days';
import type { FeatureView } from '../../contracts/model';
import { layRaw, spending } from './compute-tables';
import { setStage, type Stage } from './stage';

jest.setTimeout(60_000);

const day: Day = '2026-03-10';
const view: FeatureView = {
  ...spending,
  sources: [{ table: 'events', lookBackDays: 1 }],
  features: [{ name: 'amount', type: 'int64', checks: { min: 0 } }],
};
let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
  await publishFeatureView(stage.store, view);
});
afterAll(() => stage?.tearDown());

async function compute(on: Day, amount: number): Promise<boolean> {
  await layRaw(stage, 'events', on, `SELECT 'C1' AS customer_id, ${amount} AS amount`);
  return stage.run(createComputeFeatures(stage), { view, days: [on], scope: 'changed' }).then(
    () => true,
    () => false,
  );
}
const lastReport = async () => {
  const { lastReport: report } = await describeView(stage.store, view.name);
  return report && { day: report.day, passed: report.passed };
};

it('of the newest day, what is shown is the newest check of all', async () => {
  expect(await lastReport()).toBeNull();
  expect(await compute(day, -1)).toBe(false);
  expect(await lastReport()).toEqual({ day, passed: false });
  expect(await compute(day, 1)).toBe(true);
  expect(await lastReport()).toEqual({ day, passed: true });
  expect(await compute(day, -2)).toBe(false);
  expect(await lastReport()).toEqual({ day, passed: false });

  const next = addDays(day, 1);
  expect(await compute(next, 2)).toBe(true);
  expect(await compute(day, -3)).toBe(false);
  expect(await lastReport()).toEqual({ day: next, passed: true });
});
