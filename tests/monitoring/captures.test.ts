import { createMonitoringActivities } from '../../activities/monitoring';
import type { CaptureBatch, CaptureRecord } from '../../contracts/capture';
import { toFiles, toParquet } from '../../workers/gateway/capture-file';
import { setStage, type Stage } from '../features/stage';

const since = '2026-11-20T22:30:00.000Z';
const at = (time: string): number => Date.parse(`2026-11-20T${time}Z`);

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.tearDown());

/** A captured prediction of the candidate, answered unless it says otherwise. */
const record = (request_id: string, change: Partial<CaptureRecord> = {}): CaptureRecord => ({
  request_id,
  time: at('22:45:00'),
  version: 'churn-v1.1.0',
  variant: 'canary',
  generation: 2,
  entity: null,
  features: [1],
  prediction: 0.5,
  latency_ms: 1,
  error: null,
  ...change,
});
const failed = (request_id: string) =>
  record(request_id, { features: null, prediction: null, error: 'InvalidFeatures' });

/** Stores a batch as the gateway would. */
async function store(first: string, records: CaptureRecord[], type: 'number' | 'category' = 'number') {
  const batch: CaptureBatch = { model: 'churn', inputs: [{ name: 'plan', type }], records };
  for (const file of toFiles({ first, last: first }, [batch]).files)
    await stage.store.put(file.key, await toParquet(file));
}

const count = (version: string) => {
  const { countPredictions } = createMonitoringActivities({
    store: stage.store,
    temporal: undefined as never,
  });
  return countPredictions({ model: 'churn', version, since });
};

it('counts nothing where nothing was captured', async () => {
  expect(await count('churn-v1.1.0')).toEqual({ predictions: 0, failed: 0 });
});

it('counts what was answered since then, each request once, and failures by themselves', async () => {
  await store('1-0', [record('a'), record('b'), failed('c'), failed('d'), failed('e')]);
  // Captured again by another worker, an hour later, and of another type of feature.
  await store('2-0', [
    record('a', { time: at('23:05:00') }),
    failed('c'),
    record('f', { time: at('23:59:59') }),
  ]);
  await store('3-0', [record('g', { features: ['gold'] })], 'category');
  // Too early, and another version.
  await store('4-0', [
    record('early', { time: at('22:29:59') }),
    record('earlier', { time: at('20:00:00') }),
  ]);
  await store('5-0', [record('champion', { version: 'churn-v1.0.0', variant: 'live' })]);

  expect(await count('churn-v1.1.0')).toEqual({ predictions: 4, failed: 3 });
  expect(await count('churn-v1.0.0')).toEqual({ predictions: 1, failed: 0 });
});
