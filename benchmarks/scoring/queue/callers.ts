import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createScoringClient, type PredictionSubject } from '../../../client/scoring';
import type { Config } from '../../../platform/config';
import { connectClient } from '../../../platform/temporal';
import { Tally } from '../load/tally';
import type { LoadAnswer } from '../load/load';
import type { Ticks } from '../load/ticker';

/** Single calls through one scoring client, as a service makes them. */
export interface CallersRequest {
  temporal: Config['temporal'];
  model: string;
  subjects: readonly PredictionSubject[];
  /** Calls at fixed moments, or as many callers, each of which asks again as soon as it has its answer. */
  load: { callsASecond: number } | { callers: number };
  /** Each call under a request ID of its own, which ties it to one of the scorers. */
  named?: boolean;
  warmUpSeconds: number;
  seconds: number;
}

const now = (): number => performance.timeOrigin + performance.now();

async function work({
  temporal,
  model,
  subjects,
  load,
  named = false,
  warmUpSeconds,
  seconds,
}: CallersRequest): Promise<LoadAnswer> {
  const client = await connectClient(temporal);
  const scoring = createScoringClient({ client });
  await scoring.predict(model, subjects[0]!);
  const begin = now() + warmUpSeconds * 1000;
  const end = begin + seconds * 1000;
  const tally = new Tally(begin, seconds);
  let asked = 0;
  const ask = async (since: number): Promise<void> => {
    try {
      const options = named ? { requestId: randomUUID() } : {};
      await scoring.predict(model, subjects[(asked += 1) % subjects.length]!, options);
      tally.add(since, true, '');
    } catch (error) {
      tally.add(since, false, String(error));
    }
  };
  if ('callers' in load) {
    const caller = async (): Promise<void> => {
      while (now() < end) await ask(now());
    };
    await Promise.all(Array.from({ length: load.callers }, caller));
  } else {
    const calls = load.callsASecond * (warmUpSeconds + seconds);
    await atMoments({ begin: now(), callsASecond: load.callsASecond, calls }, ask);
  }
  return tally.answer();
}

/** Resolves once every call has ended. */
function atMoments(ticks: Ticks, ask: (due: number) => Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    let left = ticks.calls;
    const call = async (due: number): Promise<void> => {
      await ask(due);
      left -= 1;
      if (left === 0) resolve();
    };
    const ticker = new Worker(join(__dirname, '..', 'load', 'ticker.js'), { workerData: ticks });
    ticker.on('message', (due: number) => void call(due));
  });
}

async function serve(request: CallersRequest): Promise<void> {
  const answer = await work(request);
  process.send!(answer, () => process.exit(0));
}

process.once('message', (request: CallersRequest) => void serve(request));
