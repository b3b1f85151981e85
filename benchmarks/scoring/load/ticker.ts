import { parentPort, workerData } from 'node:worker_threads';

/** A thread that says when calls are due: timers of the event loop are a millisecond apart, and late where it is busy. */
export interface Ticks {
  /** Milliseconds of the epoch. */
  begin: number;
  callsASecond: number;
  calls: number;
}

const { begin, callsASecond, calls } = workerData as Ticks;
const never = new Int32Array(new SharedArrayBuffer(4));

for (let index = 0; index < calls; index += 1) {
  const due = begin + (index * 1000) / callsASecond;
  const wait = due - (performance.timeOrigin + performance.now());
  if (wait > 0) Atomics.wait(never, 0, 0, wait);
  parentPort!.postMessage(due);
}
