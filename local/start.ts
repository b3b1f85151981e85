import { summarizeError } from '../client/errors';
import { closingPage } from './main-job/closing-page';
import { momentLabel, withGround } from './main-job/ground';
import { parseStartOptions, type StartOptions } from './main-job/options';
import {
  applyTheSchedules,
  evaluationOf,
  layDownData,
  materializeFeatures,
  predict,
  production,
  publishDeclarations,
  retrain,
  type MainJob,
} from './main-job/steps';
import { sampleSubject, tableSubject } from './main-job/subject';
import { createTeller, type Teller } from './main-job/teller';
import { defaultHome } from './stack/commands';
import { createStack, type Stack } from './stack/stack';

/** What `--exit` prints as its last line. */
interface Summary {
  model_version: string | null;
  auc: number | null;
  predictions: { queue: number | null; http: number | null };
  seconds: Record<string, number>;
  error?: string;
}

/** The main job, from nothing to answered predictions. */
async function mainJob(
  options: StartOptions,
  stack: Stack,
  teller: Teller,
): Promise<Omit<Summary, 'seconds'>> {
  const now = new Date();
  return withGround(stack, teller, now, async (ground) => {
    await applyTheSchedules(ground);
    const subject = options.table ? tableSubject(options.table, ground.day) : sampleSubject(ground.day);
    const job: MainJob = { ...ground, ...(await layDownData(ground, subject)) };
    await publishDeclarations(job);
    await materializeFeatures(job);

    const before = await production(job);
    if (before && !options.retrain) teller.say(`✓ ${before.production.version} is in Production already`);
    else await retrain(job, before ? momentLabel(now) : ground.date);

    const { production: served } = (await production(job))!;
    const { metrics } = await evaluationOf(job, served.version);
    teller.say(
      `  ${served.version}: AUC ${metrics['auc']!.value.toFixed(4)} on rows that no version trains on`,
    );
    const answers = await predict(job);
    teller.say(closingPage(job.declaration.name, stack.env(), answers));
    return {
      model_version: served.version,
      auc: metrics['auc']!.value,
      predictions: { queue: answers.queue.prediction, http: answers.http.prediction },
    };
  });
}

async function main(args: string[]): Promise<void> {
  const options = parseStartOptions(args);
  const teller = createTeller((text) => process.stdout.write(text));
  const stack = createStack({ home: defaultHome() });
  const began = Date.now();
  let summary: Omit<Summary, 'seconds'>;
  try {
    summary = await mainJob(options, stack, teller);
  } catch (error) {
    const reason = summarizeError(error);
    process.stderr.write(`\n${reason}\n`);
    process.exitCode = 1;
    summary = { model_version: null, auc: null, predictions: { queue: null, http: null }, error: reason };
  }
  teller.took('total', (Date.now() - began) / 1000);
  if (!options.exit) return;
  await teller.step(
    'stop',
    'Stopping everything',
    () => stack.down(),
    () => 'nothing is left running',
  );
  teller.say(JSON.stringify({ ...summary, seconds: teller.seconds } satisfies Summary));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${summarizeError(error)}\n`);
  process.exitCode = 1;
});
