import { performance } from 'node:perf_hooks';
import { quantile } from './bootstrap';

const WARM_UP = 50;
const CALLS = 500;

/** Milliseconds to validate, encode and score one row, as a lone request costs them. */
export async function measureLatency(
  ask: (call: number) => Promise<unknown>,
): Promise<{ p50: number; p95: number }> {
  const times = new Float64Array(CALLS);
  for (let call = -WARM_UP; call < CALLS; call += 1) {
    const started = performance.now();
    await ask(call + WARM_UP);
    if (call >= 0) times[call] = performance.now() - started;
  }
  times.sort();
  return { p50: quantile(times, 0.5), p95: quantile(times, 0.95) };
}
