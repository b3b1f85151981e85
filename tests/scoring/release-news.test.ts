import { createLog } from '../../platform/log';
import { INLINE } from '../../platform/onnx/session';
import { hearOfReleases, tellOfRelease } from '../../platform/release-news';
import { createModelPool, type ModelPool } from '../../workers/inference/model-pool';
import { setStage, type Stage } from '../features/stage';
import { until } from '../support/servers';
import { declarationOf, register, release } from './rig';

const MODEL = 'told';

describe('news of releases', () => {
  let stage: Stage;
  let pool: ModelPool;
  beforeAll(async () => {
    stage = await setStage();
    // It does not watch: whatever it serves later it has been told of.
    pool = createModelPool({ store: stage.store, log: createLog('test'), texts: INLINE });
  });
  afterAll(async () => {
    pool.stop();
    await stage.tearDown();
  });

  it('make a worker serve a new generation that it was told of, told once or many times', async () => {
    const first = await register(stage.store, declarationOf(MODEL), `${MODEL}-v1.0.0`);
    const second = await register(stage.store, declarationOf(MODEL), `${MODEL}-v1.1.0`);
    await release(stage.store, MODEL, 1, first);
    await pool.reload();
    expect(pool.get(MODEL).live.version).toBe(first.version);

    const stop = hearOfReleases(stage.redis, () => void pool.reload().catch(() => undefined));
    await until('the subscription', async () => {
      const [, listeners] = (await stage.redis.pubsub('NUMSUB', 'meridian:releases')) as [string, number];
      return listeners > 0;
    });
    await release(stage.store, MODEL, 2, second);
    await Promise.all([1, 2, 3].map(() => tellOfRelease(stage.redis, MODEL)));
    await until('the new generation', () => pool.get(MODEL).generation.n === 2);
    expect(pool.get(MODEL).live.version).toBe(second.version);
    stop();
  });

  it('are no news to fail for where Redis is away', async () => {
    const away = { publish: () => Promise.reject(new Error('away')) };
    await expect(tellOfRelease(away, MODEL)).resolves.toBeUndefined();
  });
});
