import { setTimeout as sleep } from 'node:timers/promises';
import { row, type Row } from '../row';
import { ourDialect, type Ask } from './dialect';
import { writeEntities } from './entities';
import type { LoadAnswer } from './load/load';
import { runLoad, tellFailures } from './load/run-load';
import { courseOf, residentMiB } from './memory';
import { churnCalls, runCallers } from './queue/run-callers';
import type { Scene } from './scene';
import { ours, requestsOf, type OurSide } from './sides';
import { TEXTS } from './texts';

/** Of each load over HTTP. */
const CONNECTIONS = 16;
const CHURN_REQUESTS_A_SECOND = 300;
/** Of each classifier. */
const TEXT_REQUESTS_A_SECOND = 10;
const QUEUE_CALLS_A_SECOND = 10;

/** Looks at the worker's memory, evenly over the soak. */
const SAMPLES = 120;

interface SoakLoad {
  name: string;
  run(side: OurSide): Promise<LoadAnswer>;
}

/** One inference worker under every kind of load for a long while, with captures taken away as a drainer would. */
export async function measureSoak(scene: Scene): Promise<Row[]> {
  const { soakSeconds } = scene.sizes;
  const loads = [...(await requestLoads(scene)), queueLoad(scene)];
  scene.say(`steady load of every kind for ${soakSeconds} s`);
  const side = await ours('churn')(scene);
  try {
    const [answers, samples] = await Promise.all([
      Promise.all(loads.map((load) => load.run(side))),
      memoryOf(scene, side),
    ]);
    for (const [index, { name }] of loads.entries()) tellFailures(name, answers[index]!, scene.say);
    return rowsOf(`soak of ${soakSeconds} s`, answers, samples);
  } finally {
    await side.stop();
  }
}

/** Churn by features and by entity in turns, and the classifiers. */
async function requestLoads(scene: Scene): Promise<SoakLoad[]> {
  const { churn, sizes } = scene;
  const classifiers = await scene.classifiers();
  const entities = await writeEntities(scene);
  const churnAsks = churn.golden.rows.flatMap(({ features }, index): Ask[] => [
    { features },
    entities[index % entities.length]!.ask,
  ]);
  const textAsks = TEXTS.map((text): Ask => ({ features: { text } }));
  const loadOf = (model: string, asks: readonly Ask[], callsASecond: number): SoakLoad => ({
    name: `${model} over HTTP`,
    run: (side) =>
      runLoad({
        ...requestsOf({ ...side, dialect: ourDialect(model) }, asks),
        connections: CONNECTIONS,
        callsASecond,
        warmUpSeconds: sizes.warmUpSeconds,
        seconds: sizes.soakSeconds,
      }),
  });
  return [
    loadOf('churn', churnAsks, CHURN_REQUESTS_A_SECOND),
    ...classifiers.map(({ model }) => loadOf(model, textAsks, TEXT_REQUESTS_A_SECOND)),
  ];
}

const queueLoad = (scene: Scene): SoakLoad => ({
  name: 'churn through the task queue',
  run: () =>
    runCallers(scene, {
      ...churnCalls(scene),
      load: { callsASecond: QUEUE_CALLS_A_SECOND },
      seconds: scene.sizes.soakSeconds,
    }),
});

/** MiB, at even intervals. */
async function memoryOf({ sizes }: Scene, side: OurSide): Promise<number[]> {
  const samples: number[] = [];
  await sleep(sizes.warmUpSeconds * 1000);
  for (let index = 0; index < SAMPLES; index += 1) {
    await sleep((sizes.soakSeconds * 1000) / SAMPLES);
    await side.prepare?.();
    samples.push(await residentMiB(side.worker.process.pid!));
  }
  return samples;
}

function rowsOf(soak: string, answers: readonly LoadAnswer[], samples: readonly number[]): Row[] {
  const { early, late, peak } = courseOf(samples);
  return [
    row({
      measure: `${soak}: memory in its last fifth`,
      unit: 'MiB',
      value: late,
      peer: { name: 'ours in its second fifth', value: early },
      ratioAtMost: 1.1,
    }),
    row({ measure: `${soak}: most memory`, unit: 'MiB', value: peak, atMost: 2048 }),
    row({
      measure: `${soak}: failed requests and queue calls`,
      unit: 'calls',
      value: answers.reduce((sum, { failed, unanswered }) => sum + failed + unanswered, 0),
      atMost: 0,
    }),
  ];
}
