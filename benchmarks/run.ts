import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { summarizeError } from '../client/errors';
import { projectRoot } from '../platform/project-root';
import { featuresBenchmark } from './features';
import { FULL, QUICK } from './features/sizes';
import { mainBenchmark } from './main';
import { scoringBenchmark } from './scoring';
import { FULL as SCORING_FULL, QUICK as SCORING_QUICK } from './scoring/sizes';
import { trainingBenchmark } from './training';
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
}

interface Runs {
  full: Benchmark;
  /** Small sizes, for work on the benchmark itself: its figures are not recorded. */
  quick?: Benchmark;
}

const BENCHMARKS: Record<string, Runs> = {
  main: { full: mainBenchmark },
  training: { full: trainingBenchmark },
  scoring: {
    full: (say, asked) => scoringBenchmark(sized(SCORING_FULL, asked), asked.only, say),
    quick: (say, asked) => scoringBenchmark(sized(SCORING_QUICK, asked), asked.only, say),
  },
  features: { full: (say) => featuresBenchmark(FULL, say), quick: (say) => featuresBenchmark(QUICK, say) },
};

/**
 * `npm run bench -- <name>`: measures, prints a table, and writes `benchmarks/results/<name>.json`; with `--quick` it
 * measures little, with `--only <part>` and `--seconds <n>` what they say, and then writes nothing.
 */
async function main(args: readonly string[]): Promise<void> {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      seconds: { type: 'string' },
    },
    allowPositionals: true,
  });
  const benchmark = benchmarkOf(positionals, values.quick);
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const machine = describeMachine();
  const { quick, only, seconds } = values;
  const asked = { only, seconds: seconds === undefined ? undefined : Number(seconds) };
  const report: Report = { rows: await benchmark(say, asked), machine };
  say(`\n${asTable(report.rows)}`);
  if (quick || only.length > 0 || seconds !== undefined) return;
  const path = join(projectRoot(), 'benchmarks', 'results', `${positionals[0]!}.json`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`);
  say(`\nwritten to ${path}`);
}

const sized = <S extends { seconds: number }>(sizes: S, { seconds = sizes.seconds }: Asked): S => ({
  ...sizes,
  seconds,
});

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
