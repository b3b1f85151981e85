import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { summarizeError } from '../client/errors';
import { projectRoot } from '../platform/project-root';
import { mainBenchmark } from './main';
import { asTable, describeMachine, type Report } from './report';
import type { Row } from './row';

/** A benchmark says what it is doing, and returns its figures. */
export type Benchmark = (say: (text: string) => void) => Promise<Row[]>;

const BENCHMARKS: Record<string, Benchmark> = { main: mainBenchmark };

/** `npm run bench -- <name>`: measures, prints a table, and writes `benchmarks/results/<name>.json`. */
async function main([name = '']: string[]): Promise<void> {
  const benchmark = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (!benchmark) {
    throw new Error(
      `usage: npm run bench -- <name>, where <name> is one of: ${Object.keys(BENCHMARKS).join(', ')}`,
    );
  }
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const machine = describeMachine();
  const report: Report = { rows: await benchmark(say), machine };
  const path = join(projectRoot(), 'benchmarks', 'results', `${name}.json`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`);
  say(`\n${asTable(report.rows)}\n\nwritten to ${path}`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${summarizeError(error)}\n`);
  process.exitCode = 1;
});
