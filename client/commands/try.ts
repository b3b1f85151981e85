import { Command, Option } from 'commander';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import { tryModel, type TryOutcome } from '../../local/main-job/try';
import { seriesTrial, tableTrial, textsTrial, type Trial } from '../../local/main-job/trial';
import { createTeller } from '../../local/main-job/teller';
import { summarizeError } from '../errors';

interface Options {
  kind: 'tabular' | 'text-classifier' | 'metric-anomaly';
  table: string;
  entity?: string;
  label?: string;
  text?: string;
  time?: string;
  value?: string;
  series?: string;
  task?: 'classification' | 'regression';
  estimator?: 'xgboost' | 'sklearn';
  json?: boolean;
}

export function tryCommand(): Command {
  return new Command('try')
    .description(
      'Make a model of your own data: declare, import, train, judge and serve it on the local platform, which is started where it does not run',
    )
    .argument('<name>', 'what the model is to be called')
    .addOption(
      new Option('--kind <kind>', 'what to learn')
        .choices(['tabular', 'text-classifier', 'metric-anomaly'])
        .makeOptionMandatory(),
    )
    .requiredOption(
      '--table <file>',
      'a CSV file with a header; of metrics a pattern such as "metrics/*.csv"',
    )
    .option('--entity <column>', 'the column that names each row')
    .option('--label <column>', 'the column to predict')
    .option('--text <column>', 'text-classifier: the column with the texts')
    .option('--time <column>', 'metric-anomaly: the column with the times')
    .option('--value <column>', 'metric-anomaly: the column with the values')
    .option(
      '--series <column>',
      'metric-anomaly: the column with the names of series; default: each file is one',
    )
    .addOption(
      new Option('--task <task>', 'tabular: default classification').choices([
        'classification',
        'regression',
      ]),
    )
    .addOption(
      new Option('--estimator <estimator>', 'tabular: default xgboost').choices(['xgboost', 'sklearn']),
    )
    .option('--json', 'print one JSON object at the end; what goes on is told on stderr')
    .action(async (name: string, options: Options) => {
      // What goes on must not come between a program and the JSON it reads.
      const out = options.json ? process.stderr : process.stdout;
      const teller = createTeller((text) => out.write(text));
      try {
        const outcome = await tryModel(trialOf(name, options), teller);
        if (options.json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
        else process.stdout.write(`${lines(outcome).join('\n')}\n`);
        if (!outcome.served) process.exitCode = 1;
      } catch (error) {
        if (!options.json) throw error;
        process.stdout.write(`${JSON.stringify({ error: describe(error) })}\n`);
        process.exitCode = 1;
      }
    });
}

const NEEDED: Record<Options['kind'], readonly (keyof Options)[]> = {
  tabular: ['entity', 'label'],
  'text-classifier': ['text', 'label'],
  'metric-anomaly': ['time', 'value'],
};
const ALLOWED: Record<Options['kind'], readonly (keyof Options)[]> = {
  tabular: ['task', 'estimator'],
  'text-classifier': ['entity'],
  'metric-anomaly': ['series'],
};
const OF_KINDS: readonly (keyof Options)[] = [
  'entity',
  'label',
  'text',
  'time',
  'value',
  'series',
  'task',
  'estimator',
];

/** @throws MeridianError InvalidInput naming the options that are missing, or of another kind */
export function trialOf(name: string, options: Options): Trial {
  const { kind, table } = options;
  const missing = NEEDED[kind].filter((option) => options[option] === undefined);
  const known = [...NEEDED[kind], ...ALLOWED[kind]];
  const alien = OF_KINDS.filter((option) => options[option] !== undefined && !known.includes(option));
  const fields = [
    ...missing.map((option) => ({ field: `--${option}`, found: 'nothing', expected: 'a column' })),
    ...alien.map((option) => ({ field: `--${option}`, found: String(options[option]), expected: 'none' })),
  ];
  if (fields.length > 0) {
    const told = fields.map(({ field, found, expected }) => `${field}: found ${found}, expected ${expected}`);
    throw new MeridianError(ErrorCode.InvalidInput, `--kind ${kind}: ${told.join('; ')}.`, fields);
  }
  if (kind === 'tabular') {
    const { task, estimator } = options;
    return tableTrial({ name, file: table, entity: options.entity!, label: options.label!, task, estimator });
  }
  if (kind === 'text-classifier') {
    return textsTrial({
      name,
      file: table,
      text: options.text!,
      label: options.label!,
      entity: options.entity,
    });
  }
  const { time, value, series } = options;
  return seriesTrial({ name, pattern: table, time: time!, value: value!, series });
}

const describe = (error: unknown) =>
  error instanceof MeridianError
    ? { code: error.code, message: error.message, fields: error.fields }
    : { code: ErrorCode.InternalError, message: summarizeError(error), fields: [] };

function lines({ version, verdict, metrics, rules, served, curl }: TryOutcome): string[] {
  const figures = Object.entries(metrics)
    .filter(([metric]) => !metric.includes('.'))
    .map(
      ([metric, { value, low, high }]) =>
        `  ${metric.padEnd(18)} ${value.toFixed(4)}  (${low.toFixed(4)} to ${high.toFixed(4)})`,
    );
  const failed = rules.filter((rule) => rule.verdict !== 'pass');
  return [
    '',
    `${version}: verdict ${verdict}`,
    ...figures,
    ...failed.map(({ rule, found, expected }) => `  ${rule}: found ${found}, expected ${expected}`),
    served ? '  it serves' : '  it stays in Staging',
    ...(curl === null ? [] : ['', curl]),
  ];
}
