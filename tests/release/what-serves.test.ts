import { inferenceWorkerKey } from '../../contracts/release';
import { Key } from '../../contracts/ids';
import { readInferenceWorkers } from '../../platform/inference-workers';
import { readCurrentGeneration } from '../../platform/releases';
import { setStage, type Stage } from '../features/stage';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());

describe('the generation that serves', () => {
  const pointAt = (model: string, key: string) =>
    stage.store.put(Key.releasePointer(model), JSON.stringify({ generation: 1, key }));

  it('is none before the first release, and then the one pointed to', async () => {
    expect(await readCurrentGeneration(stage.store, 'churn')).toBeNull();
    const generation = { formatVersion: 1, n: 1, model: 'churn' };
    await stage.store.put(Key.generation('churn', 1), JSON.stringify(generation));
    expect(await readCurrentGeneration(stage.store, 'churn')).toBeNull();
    await pointAt('churn', Key.generation('churn', 1));
    expect(await readCurrentGeneration(stage.store, 'churn')).toEqual(generation);
  });

  it('is told apart from one that cannot be read, by the object that is wrong', async () => {
    const key = Key.generation('broken', 1);
    await stage.store.put(Key.releasePointer('broken'), '{"generation": 1, "k');
    await expect(readCurrentGeneration(stage.store, 'broken')).rejects.toMatchObject({
      code: 'CorruptObject',
      message: expect.stringContaining(Key.releasePointer('broken')),
    });
    await pointAt('broken', key);
    await expect(readCurrentGeneration(stage.store, 'broken')).rejects.toMatchObject({
      code: 'MissingObject',
      message: expect.stringContaining(key),
    });
    await stage.store.put(key, 'not JSON');
    await expect(readCurrentGeneration(stage.store, 'broken')).rejects.toMatchObject({
      code: 'CorruptObject',
      message: expect.stringContaining(key),
    });
  });
});

it('inference workers are those whose record stands, however many there are', async () => {
  expect(await readInferenceWorkers(stage.redis)).toEqual([]);
  const ids = Array.from({ length: 1_500 }, (_, n) => `worker-${String(n).padStart(4, '0')}`);
  const pipeline = stage.redis.pipeline();
  for (const id of ids.toReversed()) pipeline.set(inferenceWorkerKey(id), JSON.stringify({ id, models: {} }));
  pipeline.set('meridian:other', 'no worker');
  await pipeline.exec();
  expect((await readInferenceWorkers(stage.redis)).map(({ id }) => id)).toEqual(ids);
});
