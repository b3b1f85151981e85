import { join } from 'node:path';
import type { Row } from '../row';
import { agree } from './agreement';
import { compare, each } from './compare';
import { callsASecond, latency } from './figures';
import type { Scene } from './scene';
import { bareNode, bentoMl, fastApi, mlServer, ours, type StartSide } from './sides';
import { loadInTurns, withSides, type Load } from './turns';

const MODEL = (file: string) => (scene: Scene) => ({ MODEL: join(scene.churn.folder, file) });

const XGBOOST = { 'FastAPI + xgboost, 1 worker': 1, 'FastAPI + xgboost, 2 workers': 2 } as const;
const ONNX = { 'FastAPI + onnxruntime, 1 worker': 1, 'FastAPI + onnxruntime, 2 workers': 2 } as const;
const BARE = 'bare node:http';

const sidesOf = (module: string, file: string, workers: Record<string, number>): Record<string, StartSide> =>
  Object.fromEntries(
    Object.entries(workers).map(([name, count]) => [name, fastApi(module, count, MODEL(file))]),
  );

/** These do not reach 1,000 calls a second on two cores, or hardly, and are not asked at that rate. */
const SLOW: Record<string, StartSide> = {
  'BentoML, 1 worker': bentoMl(1),
  'BentoML, 2 workers': bentoMl(2),
  MLServer: mlServer,
};

const SIDES: Record<string, StartSide> = {
  ours: ours('churn'),
  [BARE]: bareNode,
  ...sidesOf('churn_xgboost', 'model.ubj', XGBOOST),
  ...sidesOf('churn_onnx', 'model.onnx', ONNX),
  ...SLOW,
};

/** Churn with the features in the request: as many as can be, at a fixed rate, and one at a time. */
export function measureHttp(scene: Scene): Promise<Row[]> {
  const { rows, tolerance } = scene.churn.golden;
  const load: Load = {
    asks: rows.map(({ features }) => ({ features })),
    connections: 32,
    callsASecond: null,
  };
  const xgboost = Object.keys(XGBOOST);
  const onnx = Object.keys(ONNX);
  return withSides(scene, SIDES, async (sides) => {
    const samples = rows.slice(0, 8).map(({ features, expected }) => ({ ask: { features }, expected }));
    await agree(sides, samples, tolerance);
    scene.say('churn over HTTP, 32 connections, as fast as they are answered');
    const most = await loadInTurns(scene, sides, load);
    scene.say('churn over HTTP, 1,000 calls a second');
    const fast = Object.fromEntries(Object.entries(sides).filter(([name]) => !Object.hasOwn(SLOW, name)));
    const steady = await loadInTurns(scene, fast, { ...load, callsASecond: 1000 });
    scene.say('churn over HTTP, one connection');
    const alone = await loadInTurns(scene, sides, { ...load, connections: 1 });
    const measured = (name: string) => `churn over HTTP, ${name}`;
    return [
      ...compare({
        measure: measured('32 connections'),
        unit: 'predictions/s',
        more: true,
        values: each(most, callsASecond),
        against: [
          { peers: xgboost, ratio: 4 },
          { peers: onnx, ratio: 2 },
          { peers: [BARE], ratio: 0.75 },
        ],
      }),
      ...compare({
        measure: measured('1,000 calls a second: P99'),
        unit: 'ms',
        more: false,
        values: each(steady, (answers) => latency(answers, 0.99)),
        against: [{ peers: [...xgboost, ...onnx], ratio: 0.5 }],
      }),
      ...compare({
        measure: measured('one connection: P50'),
        unit: 'ms',
        more: false,
        atMost: 0.2,
        values: each(alone, (answers) => latency(answers, 0.5)),
      }),
    ];
  });
}
