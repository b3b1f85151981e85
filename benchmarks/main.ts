import { churn } from '../models/churn/model';
import { withOwnPlatform, type OwnPlatform } from './main/platform';
import { retrain, retrainingRows, type Retraining } from './main/retraining';
import { measureScoring } from './main/scoring';
import { row, type Row } from './row';
import { median } from './statistics';

const TIMES = 3;
const READY_SECONDS = 20;

/** The main job: where a retraining's time goes, how soon a second start is ready, and how fast it answers. */
export function mainBenchmark(say: (text: string) => void): Promise<Row[]> {
  return withOwnPlatform(async (platform) => {
    const first = await platform.start();
    say(`first npm start: ${first.toFixed(1)} s`);
    const runs = await platform.connected((connected) =>
      times(TIMES, async (n): Promise<Retraining> => {
        const run = await retrain(connected, churn.name, `benchmark-${n}`);
        say(`retraining ${n}: ${run.wallSeconds.toFixed(1)} s, ${run.jobSeconds.toFixed(1)} s in the job`);
        return run;
      }),
    );
    const seconds = await times(TIMES, () => coldStart(platform, say));
    const scoring = await platform.connected((connected) => measureScoring(connected, churn, say));
    return [
      ...retrainingRows(runs),
      row({
        measure: 'first npm start, everything installed: trained, released, predicted',
        unit: 's',
        value: first,
      }),
      row({
        measure: 'second npm start, nothing running: predictions answered',
        unit: 's',
        value: median(seconds),
        atMost: READY_SECONDS,
      }),
      ...scoring,
    ];
  });
}

/** `npm start` with a version in Production and no process running. */
async function coldStart(platform: OwnPlatform, say: (text: string) => void): Promise<number> {
  await platform.down();
  const seconds = await platform.start();
  say(`npm start with a version in Production: ${seconds.toFixed(1)} s`);
  return seconds;
}

async function times<T>(count: number, work: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let n = 1; n <= count; n += 1) results.push(await work(n));
  return results;
}
