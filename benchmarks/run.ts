import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { summarizeError } from '../client/errors';
import { projectRoot } from '../platform/project-root';
import { featuresBenchmark } from './features';
import { FULL, QUICK } from './features/sizes';
import { mainBenchmark } from './main';
import { scoringBenchmark } from './scoring';
import { FULL as SCORING_FULL, QUICK as SCORING_QUICK, type Sizes as ScoringSizes } from './scoring/sizes';
import { trainingBenchmark } from './training';
import { plot } from './plot';
import { asTable, describeMachine, type Report } from './report';
import type { Row } from './row';

/** A benchmark says what it is doing, and returns its figures. */
export type Benchmark = (say: (text: string) => void, asked: Asked) => Promise<Row[]>;

/** What a run may be cut down to, for work on what is measured; its figures are not recorded. */
interface Asked {
  /** Parts of the benchmark; all of them where none is named. */
  only: readonly string[];
  /** Of each measurement. */
  seconds?: number;
  /** A folder for CPU profiles of what is measured. */
  profile?: string;
}

interface Runs {
  full: Benchmark;
  /** Small sizes, for work on the benchmark itself: its figures are not recorded. */
  quick?: Benchmark;
  /** Where a plot is wanted beside the figures: its title. */
  plot?: string;
}

const BENCHMARKS: Record<string, Runs> = {
  main: { full: mainBenchmark },
  training: { full: trainingBenchmark },
  scoring: {
    plot: 'Scoring, ours and what else there is',
    full: (say, asked) => scoringBenchmark({ ...asked, sizes: sized(SCORING_FULL, asked), say }),
    quick: (say, asked) => scoringBenchmark({ ...asked, sizes: sized(SCORING_QUICK, asked), say }),
  },
  features: { full: (say) => featuresBenchmark(FULL, say), quick: (say) => featuresBenchmark(QUICK, say) },
};

/**
 * `npm run bench -- <name>`: measures, prints a table, and writes `benchmarks/results/<name>.json`; with `--quick` it
 * measures little, with `--only <part>` and `--seconds <n>` what they say, and then writes nothing; `--profile <folder>` is for CPU profiles.
 */
async function main(args: readonly string[]): Promise<void> {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      seconds: { type: 'string' },
      profile: { type: 'string' },
    },
    allowPositionals: true,
  });
  const benchmark = benchmarkOf(positionals, values.quick);
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const machine = describeMachine();
  const { quick, only, seconds, profile } = values;
  const asked = { only, seconds: seconds === undefined ? undefined : Number(seconds), profile };
  const report: Report = { rows: await benchmark(say, asked), machine };
  say(`\n${asTable(report.rows)}`);
  if (quick || only.length > 0 || seconds !== undefined || profile !== undefined) return;
  const { plot: title } = BENCHMARKS[positionals[0]!]!;
  const path = join(projectRoot(), 'benchmarks', 'results', `${positionals[0]!}.json`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`);
  if (title) await writeFile(path.replace(/json$/, 'svg'), plot(report, title));
  say(`\nwritten to ${path}`);
}

const sized = (sizes: ScoringSizes, { seconds }: Asked): ScoringSizes =>
  seconds === undefined ? sizes : { ...sizes, seconds, soakSeconds: seconds };

function benchmarkOf([name = '']: readonly string[], quick: boolean): Benchmark {
  const runs = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  const benchmark = quick ? runs?.quick : runs?.full;
  if (benchmark) return benchmark;
  const names = Object.keys(BENCHMARKS).filter((known) => !quick || BENCHMARKS[known]!.quick);
  throw new Error(
    `usage: npm run bench -- <name>${quick ? ' --quick' : ''}, where <name> is one of: ${names.join(', ')}`,
  );
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${summarizeError(error)}\n`);
  process.exitCode = 1;
});
