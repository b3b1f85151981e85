import { row, type Row } from '../row';
import { inTurns } from '../turns';
import { callsASecond, latency } from './figures';
import type { LoadAnswer } from './load/load';
import { refuseFailures } from './load/run-load';
import { churnCalls, runCallers, type Calls } from './queue/run-callers';
import type { Scene } from './scene';
import { ours, type Side } from './sides';
import { TEXTS } from './texts';
import { withSides } from './turns';

interface Case {
  name: string;
  calls: Omit<Calls, 'seconds'>;
  /** Largest P95, in ms. */
  p95?: number;
  /** Fewest calls a second. */
  least?: number;
}

/** The task queue: the Temporal server on its file, one inference worker and the callers, all on this machine. */
export async function measureQueue(scene: Scene): Promise<Row[]> {
  const cases = [...churnCases(scene), ...(await classifierCases(scene))];
  return withSides(scene, { ours: ours('churn') }, async ({ ours: side }) => {
    const rows: Row[] = [];
    for (const one of cases) rows.push(...rowsOf(one, await measure(scene, side, one)));
    return rows;
  });
}

function churnCases(scene: Scene): Case[] {
  const under = (load: Calls['load']): Case['calls'] => ({ ...churnCalls(scene), load });
  return [
    { name: 'churn, 100 calls a second', calls: under({ callsASecond: 100 }), p95: 30 },
    { name: 'churn, 300 calls a second', calls: under({ callsASecond: 300 }), p95: 45 },
    { name: 'churn, 1,000 calls a second', calls: under({ callsASecond: 1000 }), p95: 45 },
    { name: 'churn, 64 callers', calls: under({ callers: 64 }), least: 5000 },
  ];
}

async function classifierCases(scene: Scene): Promise<Case[]> {
  const classifiers = await scene.classifiers();
  const subjects = TEXTS.map((text) => ({ text }));
  return classifiers.map(({ weights, model }) => ({
    name: `event classifier (${weights}), 20 calls a second`,
    calls: { model, subjects, load: { callsASecond: 20 } },
    p95: 60,
  }));
}

async function measure(scene: Scene, side: Side, { name, calls }: Case): Promise<LoadAnswer[]> {
  scene.say(`task queue: ${name}`);
  const { turns, seconds } = scene.sizes;
  const ask = async (): Promise<LoadAnswer> => {
    await side.prepare?.();
    return refuseFailures(name, await runCallers(scene, { ...calls, seconds }));
  };
  return (await inTurns(turns, { ours: ask }, scene.say)).ours;
}

function rowsOf({ name, p95, least }: Case, answers: readonly LoadAnswer[]): Row[] {
  const measure = `task queue: ${name}`;
  return [
    row({ measure, unit: 'predictions/s', value: callsASecond(answers), atLeast: least }),
    row({ measure: `${measure}: P50`, unit: 'ms', value: latency(answers, 0.5) }),
    row({ measure: `${measure}: P95`, unit: 'ms', value: latency(answers, 0.95), atMost: p95 }),
    row({ measure: `${measure}: P99`, unit: 'ms', value: latency(answers, 0.99) }),
  ];
}
