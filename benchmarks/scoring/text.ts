import type { Row } from '../row';
import { agree } from './agreement';
import type { Classifier } from './classifiers';
import { compare, each } from './compare';
import { callsASecond, latency } from './figures';
import type { Scene } from './scene';
import { fastApi, ours, type StartSide } from './sides';
import { TEXTS } from './texts';
import { loadInTurns, withSides, type Load } from './turns';

/** The ways that FastAPI may be given two cores. */
const WAYS = {
  '1 worker of 2 threads': { workers: 1, threads: 2, pool: 0 },
  '1 worker, texts in its pool': { workers: 1, threads: 1, pool: 1 },
  '2 workers': { workers: 2, threads: 1, pool: 0 },
};

/** The classifier of texts over HTTP, each with the same ONNX file. */
export async function measureText(scene: Scene): Promise<Row[]> {
  const rows: Row[] = [];
  for (const classifier of await scene.classifiers())
    rows.push(...(await measureClassifier(scene, classifier)));
  return rows;
}

function measureClassifier(scene: Scene, { weights, model, artifact }: Classifier): Promise<Row[]> {
  const starts: Record<string, StartSide> = {
    ours: ours(model),
    ...Object.fromEntries(
      Object.entries(WAYS).map(([way, { workers, threads, pool }]) => [
        `FastAPI + onnxruntime, ${way}`,
        fastApi(
          'text_onnx',
          workers,
          () => ({ MODEL: artifact.folder, THREADS: String(threads), POOL: String(pool) }),
          'event-classifier',
        ),
      ]),
    ),
  };
  const load: Load = {
    asks: TEXTS.map((text) => ({ features: { text } })),
    connections: 32,
    callsASecond: null,
  };
  const samples = artifact.golden.rows
    .slice(0, 8)
    .map(({ text, expected }) => ({ ask: { features: { text } }, expected: Math.max(...expected) }));
  return withSides(scene, starts, async (sides) => {
    await agree(sides, samples, artifact.golden.tolerance);
    scene.say(`classifier of texts (${weights}), 32 connections, as fast as they are answered`);
    const most = await loadInTurns(scene, sides, load);
    scene.say(`classifier of texts (${weights}), 60 calls a second`);
    const steady = await loadInTurns(scene, sides, { ...load, callsASecond: 60 });
    const peers = Object.keys(starts).filter((name) => name !== 'ours');
    const measure = `event classifier (${weights}) over HTTP`;
    return [
      ...compare({
        measure: `${measure}, 32 connections`,
        unit: 'predictions/s',
        more: true,
        values: each(most, callsASecond),
        against: [{ peers, ratio: 1.2 }],
      }),
      ...compare({
        measure: `${measure}, 60 calls a second: P99`,
        unit: 'ms',
        more: false,
        values: each(steady, (answers) => latency(answers, 0.99)),
        against: [{ peers, ratio: 1 }],
      }),
    ];
  });
}
