import { join } from 'node:path';
import { FEAST_PROJECT } from '../../contracts/ids';
import { materializedView } from '../features/data';
import type { Row } from '../row';
import { agree } from './agreement';
import { compare, each } from './compare';
import { writeEntities } from './entities';
import { callsASecond, latency } from './figures';
import type { Scene } from './scene';
import { fastApi, ours, type StartSide } from './sides';
import { loadInTurns, withSides, type Load } from './turns';

const feast = (workers: number): StartSide =>
  fastApi('churn_feast', workers, ({ rig, churn }) => ({
    MODEL: join(churn.folder, 'model.onnx'),
    VIEW: materializedView.name,
    PROJECT: FEAST_PROJECT,
    REDIS: new URL(rig.config.redisUrl).host,
  }));

const SIDES: Record<string, StartSide> = {
  ours: ours('churn'),
  'FastAPI + Feast + onnxruntime, 1 worker': feast(1),
  'FastAPI + Feast + onnxruntime, 2 workers': feast(2),
};

/** Churn by customer: both sides read the same keys of the same Redis. */
export async function measureEntity(scene: Scene): Promise<Row[]> {
  const samples = await writeEntities(scene);
  const load: Load = {
    asks: samples.map(({ ask }) => ask),
    connections: 32,
    callsASecond: null,
  };
  return withSides(scene, SIDES, async (sides) => {
    await agree(sides, samples.slice(0, 8), scene.churn.golden.tolerance);
    scene.say('churn by entity, 32 connections, as fast as they are answered');
    const most = await loadInTurns(scene, sides, load);
    scene.say('churn by entity, one connection');
    const alone = await loadInTurns(scene, sides, { ...load, connections: 1 });
    const peers = Object.keys(SIDES).filter((name) => name !== 'ours');
    return [
      ...compare({
        measure: 'churn by entity over HTTP, 32 connections',
        unit: 'predictions/s',
        more: true,
        values: each(most, callsASecond),
        against: [{ peers, ratio: 4 }],
      }),
      ...compare({
        measure: 'churn by entity over HTTP, one connection: P50',
        unit: 'ms',
        more: false,
        values: each(alone, (answers) => latency(answers, 0.5)),
      }),
    ];
  });
}
