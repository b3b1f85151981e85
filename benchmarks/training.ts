import { publishDeclaration } from '../client/declarations';
import { daysEndingWith } from '../contracts/days';
import { models } from '../models';
import { churn } from '../models/churn/model';
import { lastCompleteDay } from '../workflows/shared/pacific-date';
import { withOwnPlatform } from './main/platform';
import type { Row } from './row';
import { overheadOf, overheadRows, type Overhead } from './training/overhead';
import { recoveryRows } from './training/recovery';
import { finishTraining, startTraining } from './training/run';
import { throughputRows } from './training/throughput';

/** Training: what a job costs beside its training, how fast each program is here, and what an interruption costs. */
export function trainingBenchmark(say: (text: string) => void): Promise<Row[]> {
  return withOwnPlatform(async (platform) => {
    await platform.start();
    return platform.connected(async (connected) => {
      const train = async (model: string, asOf: string) => {
        say(`training ${model} on data up to ${asOf}`);
        const input = { model, asOf, label: `benchmark-${asOf}` };
        return finishTraining(connected, await startTraining(connected, input));
      };
      const days = daysEndingWith(lastCompleteDay(new Date()), 4);
      const overheads: Overhead[] = [];
      for (const day of days.slice(0, -1))
        overheads.push(await overheadOf(connected, await train(churn.name, day)));
      const rows = overheadRows(overheads);
      for (const { name } of models) rows.push(...throughputRows(name, await train(name, days.at(-1)!)));
      rows.push(...(await recoveryRows(connected, churn)));
      await publishDeclaration(connected.store, churn);
      return rows;
    });
  });
}
