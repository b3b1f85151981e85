import { setTimeout as sleep } from 'node:timers/promises';
import { row, type Row } from '../row';
import { inTurns } from '../turns';
import type { LoadAnswer } from './load/load';
import { runLoad, tellFailures } from './load/run-load';
import { longestSince, lossesAt, type Losses } from './losses';
import { churnCalls, runCallers } from './queue/run-callers';
import type { Scene } from './scene';
import { ours, requestsOf, type OurSide } from './sides';

/** Over HTTP, of each worker. */
const CONNECTIONS = 16;
const REQUESTS_A_SECOND = 300;

/** Through the task queue. */
const QUEUE_CALLS_A_SECOND = 50;

/** Seconds that the load goes on after the kill. */
const AFTER_SECONDS = 6;

interface Kill extends Losses {
  /** Queue calls that failed, and the longest in ms of those that the kill could touch. */
  queueFailed: number;
  queueLongest: number;
  /** Requests that the survivor failed. */
  survivorFailed: number;
}

/** One of two inference workers is killed while both are asked over HTTP and through the task queue. */
export async function measureKill(scene: Scene): Promise<Row[]> {
  scene.say('two workers under load, one of them killed');
  const start = ours('churn');
  let survivor = await start(scene);
  const turn = async (): Promise<Kill> => {
    const killed = survivor;
    survivor = await start(scene);
    return killUnderLoad(scene, killed, survivor);
  };
  try {
    return rowsOf((await inTurns(scene.sizes.turns, { ours: turn }, scene.say)).ours);
  } finally {
    await survivor.stop();
  }
}

async function killUnderLoad(scene: Scene, killed: OurSide, survivor: OurSide): Promise<Kill> {
  const { warmUpSeconds, seconds } = scene.sizes;
  await survivor.prepare?.();
  const loads = Promise.all([requestLoad(scene, killed), requestLoad(scene, survivor), queueLoad(scene)]);
  await sleep((warmUpSeconds + seconds) * 1000);
  const moment = Date.now();
  await killed.worker.stop('SIGKILL');
  const [atKilled, atSurvivor, queue] = await loads;
  tellFailures('the other worker', atSurvivor, scene.say);
  tellFailures('the task queue', queue, scene.say);
  return {
    ...lossesAt(atKilled, moment, CONNECTIONS),
    queueFailed: queue.failed,
    queueLongest: longestSince(queue, moment),
    survivorFailed: atSurvivor.failed + atSurvivor.unanswered,
  };
}

const requestLoad = ({ churn, sizes }: Scene, side: OurSide): Promise<LoadAnswer> =>
  runLoad({
    ...requestsOf(
      side,
      churn.golden.rows.map(({ features }) => ({ features })),
    ),
    connections: CONNECTIONS,
    callsASecond: REQUESTS_A_SECOND,
    warmUpSeconds: sizes.warmUpSeconds,
    seconds: sizes.seconds + AFTER_SECONDS,
  });

const queueLoad = (scene: Scene): Promise<LoadAnswer> =>
  runCallers(scene, {
    ...churnCalls(scene),
    load: { callsASecond: QUEUE_CALLS_A_SECOND },
    // Over all scorers, so that the worker that is killed has some.
    named: true,
    seconds: scene.sizes.seconds + AFTER_SECONDS,
  });

function rowsOf(kills: readonly Kill[]): Row[] {
  const all = (figure: (kill: Kill) => number): number => kills.reduce((sum, kill) => sum + figure(kill), 0);
  const measured = (name: string): string => `one of two workers killed: ${name}`;
  return [
    row({
      measure: measured('queue calls that failed'),
      unit: 'calls',
      value: all(({ queueFailed }) => queueFailed),
      atMost: 0,
    }),
    row({
      measure: measured('longest queue call since'),
      unit: 'ms',
      value: Math.max(...kills.map(({ queueLongest }) => queueLongest)),
      atMost: 3000,
    }),
    row({
      measure: measured('requests that the other failed'),
      unit: 'requests',
      value: all(({ survivorFailed }) => survivorFailed),
      atMost: 0,
    }),
    row({
      measure: measured('the requests of the killed that failed, in flight'),
      unit: 'requests',
      value: all(({ inFlight }) => inFlight),
    }),
    row({
      measure: measured('the requests of the killed that failed, beyond those in flight'),
      unit: 'requests',
      value: all(({ beyond }) => beyond),
      atMost: 0,
    }),
  ];
}
