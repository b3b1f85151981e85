import { publishDeclaration } from '../client/declarations';
import { daysEndingWith, type Day } from '../contracts/days';
import type { ModelDeclaration } from '../contracts/model';
import { churn } from '../models/churn/model';
import { lastCompleteDay } from '../workflows/shared/pacific-date';
import { withOwnPlatform, type OwnPlatform } from './main/platform';
import { retrain, retrainingRows, type Retraining } from './main/retraining';
import { measureScoring } from './main/scoring';
import { row, type Row } from './row';
import { median } from './statistics';

const READY_SECONDS = 20;

/** The main job: where a retraining's time goes, how soon a second start is ready, and how fast it answers. */
export function mainBenchmark(say: (text: string) => void): Promise<Row[]> {
  return withOwnPlatform(async (platform) => {
    const first = await platform.start();
    say(`first npm start: ${first.toFixed(1)} s`);
    const runs = await platform.connected(async (connected) => {
      await publishDeclaration(connected.store, alwaysReleased);
      return eachInTurn(daysBefore(lastCompleteDay(new Date())), async (asOf): Promise<Retraining> => {
        const run = await retrain(connected, churn.name, asOf);
        const { wallSeconds, jobSeconds } = run;
        say(`retraining up to ${asOf}: ${wallSeconds.toFixed(1)} s, ${jobSeconds.toFixed(1)} s in the job`);
        return run;
      });
    });
    const seconds = await eachInTurn([1, 2, 3], () => coldStart(platform, say));
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

/** The champion is scored as always, but how the days compare decides nothing: each retraining runs to its release. */
const alwaysReleased: ModelDeclaration = { ...churn, gate: { absolute: churn.gate.absolute } };

/** Days that nothing was trained up to: their labels, features and dataset have to be made, as a month later. */
const daysBefore = (day: Day): Day[] => daysEndingWith(day, 4).slice(0, -1);

/** `npm start` with a version in Production and no process running. */
async function coldStart(platform: OwnPlatform, say: (text: string) => void): Promise<number> {
  await platform.down();
  const seconds = await platform.start();
  say(`npm start with a version in Production: ${seconds.toFixed(1)} s`);
  return seconds;
}

async function eachInTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
