import { setTimeout as sleep } from 'node:timers/promises';
import { release } from '../../tests/scoring/rig';
import { row, type Row } from '../row';
import { median, quantile } from '../statistics';
import { inTurns } from '../turns';
import { register } from './artifacts';
import { churn } from './churn';
import type { LoadAnswer } from './load/load';
import { runLoad } from './load/run-load';
import type { Scene } from './scene';
import { ours, type Side } from './sides';
import { withSides } from './turns';

/** Seconds that the load goes on after the reload. */
const AFTER_SECONDS = 2;

interface Reload {
  failed: number;
  /** P99 in ms: before it, and in the second that began with it. */
  steady: number;
  during: number;
}

/** A new version is released while 32 connections ask as fast as they are answered. */
export function measureReload(scene: Scene): Promise<Row[]> {
  return withSides(scene, { ours: ours('churn') }, async ({ ours: side }) => {
    scene.say('churn over HTTP, 32 connections, a new version released meanwhile');
    let generation = 1;
    const turn = () => reloadUnderLoad(scene, side, (generation += 1));
    const reloads = (await inTurns(scene.sizes.turns, { ours: turn }, scene.say)).ours;
    const typical = (figure: (reload: Reload) => number): number => median(reloads.map(figure));
    const failed = reloads.reduce((sum, reload) => sum + reload.failed, 0);
    return [
      row({ measure: 'reload under full load: failed requests', unit: 'requests', value: failed, atMost: 0 }),
      row({
        measure: 'reload under full load: P99 in its second',
        unit: 'ms',
        value: typical(({ during }) => during),
        peer: { name: 'ours before it', value: typical(({ steady }) => steady) },
        ratioAtMost: 2,
      }),
    ];
  });
}

async function reloadUnderLoad(scene: Scene, side: Side, generation: number): Promise<Reload> {
  const { rig, churn: artifact, sizes } = scene;
  const version = `churn-v1.${generation}.0`;
  const served = await register(rig.store, churn, version, artifact);
  await side.prepare?.();
  const load = runLoad({
    url: `${side.url}/v1/predict/churn`,
    bodies: artifact.golden.rows.map(({ features }) => JSON.stringify({ features })),
    connections: 32,
    callsASecond: null,
    warmUpSeconds: sizes.warmUpSeconds,
    seconds: sizes.seconds + AFTER_SECONDS,
  });
  await sleep((sizes.warmUpSeconds + sizes.seconds) * 1000);
  const at = Date.now();
  await release(rig.store, churn.name, generation, served);
  await reloaded(side, version);
  return figuresOf(await load, at);
}

/** @throws Error where the worker serves another version after it was told to look */
async function reloaded({ url }: Side, version: string): Promise<void> {
  const answer = await fetch(`${url}/admin/reload-models`, { method: 'POST' });
  const text = await answer.text();
  if (!text.includes(version)) throw new Error(`After the reload: found ${text}, expected ${version}.`);
}

function figuresOf({ begin, at, took, failed }: LoadAnswer, reload: number): Reload {
  const moment = reload - begin;
  const within = (from: number, to: number): number =>
    quantile(
      [...took].filter((_, index) => at[index]! >= from && at[index]! < to),
      0.99,
    );
  return { failed, steady: within(0, moment), during: within(moment, moment + 1000) };
}
