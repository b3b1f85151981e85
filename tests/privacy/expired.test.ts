import { createDatasetActivities } from '../../activities/datasets';
import { createEvaluationActivities, type EvaluateVersionInput } from '../../activities/evaluation';
import { createPrivacyActivities } from '../../activities/privacy';
import type { DatasetSnapshot, SnapshotExpiry } from '../../contracts/dataset';
import type { OptOutProof } from '../../contracts/features';
import { setStage, type Stage } from '../features/stage';
import { DAY, declaration, deliverEverything, optOut, views } from './people';

jest.setTimeout(60_000);

let stage: Stage;
let snapshot: DatasetSnapshot;
beforeAll(async () => {
  stage = await setStage();
  await deliverEverything(stage);
});
afterAll(() => stage?.tearDown());
beforeEach(async () => {
  for (const prefix of ['raw/', 'reports/', 'datasets/'])
    for (const { key } of await stage.store.list(prefix)) await stage.store.delete(key);
  const { snapshotDataset, validateSnapshot } = createDatasetActivities(stage);
  snapshot = await stage.run(snapshotDataset, {
    declaration,
    declarationHash: 'd'.repeat(64),
    asOf: DAY,
    labelDays: [DAY],
  });
  await stage.run(validateSnapshot, { declaration, snapshot });
  await optOut(stage, '2026-02-01', 7, 8);
});

const enforce = (runKey: string): Promise<OptOutProof> =>
  stage.run(createPrivacyActivities(stage).enforceOptOuts, { views, runKey });
const objects = async (): Promise<string[]> =>
  (await stage.store.list(snapshot.prefix)).map(({ key }) => key.slice(snapshot.prefix.length)).sort();
const readMark = () => stage.store.getJson<SnapshotExpiry>(`${snapshot.prefix}expires.json`);
async function letExpire(): Promise<void> {
  const mark = { ...(await readMark()), expiresAt: new Date(Date.now() - 1).toISOString() };
  await stage.store.put(`${snapshot.prefix}expires.json`, JSON.stringify(mark));
}
const TOLD = ['expires.json', 'manifest.json', 'quality.json'];

it('loses its rows in the first night after its time, and keeps what tells why', async () => {
  await enforce('the first night');
  const marked = await objects();
  expect(marked.filter((name) => /^(train|validation|test)\//.test(name))).toHaveLength(3);
  await enforce('the next night');
  expect(await objects()).toEqual(marked);

  await letExpire();
  const { expiring } = await enforce('the night it expires');
  expect(await objects()).toEqual(TOLD);
  const mark = await readMark();
  expect(mark).toMatchObject({ entities: 2, because: expect.stringContaining('have opted out') });
  expect(Date.parse(mark.deletedAt!)).toBeGreaterThanOrEqual(Date.parse(mark.expiresAt));
  expect(expiring).toEqual([expect.objectContaining({ deletedAt: mark.deletedAt, entities: 2 })]);

  await enforce('the night after');
  expect(await readMark()).toEqual(mark);
});

it('loses what a night that was killed had left of it, and what came back', async () => {
  await enforce('the first night');
  await letExpire();
  await stage.store.delete((await stage.store.list(`${snapshot.prefix}train/`))[0]!.key);
  await enforce('the night it expires');
  await stage.store.put(`${snapshot.prefix}test/part-0.parquet`, 'rows');
  await enforce('the night after');
  expect(await objects()).toEqual(TOLD);
});

it('is refused by training and by evaluation, whether its rows are gone yet or not', async () => {
  await enforce('the first night');
  await letExpire();
  const refused = expect.objectContaining({
    code: 'DataQualityBreach',
    message: expect.stringMatching(/expired at .* 2 entities in it have opted out/),
  });
  const served = { version: 'people-v1.0.0', artifactKey: 'none', sha256: '0'.repeat(64) };
  const activities = createEvaluationActivities(stage);
  const evaluate = () =>
    stage.run((input: EvaluateVersionInput) => activities.evaluateVersion(input), {
      declaration,
      candidate: served,
      snapshot,
      champion: null,
      evaluationId: 'run-1',
    });
  await expect(evaluate()).rejects.toEqual(refused);
  await enforce('the night it expires');
  await expect(evaluate()).rejects.toEqual(refused);
  const { validateSnapshot } = createDatasetActivities(stage);
  await expect(stage.run(validateSnapshot, { declaration, snapshot })).rejects.toEqual(refused);
});
