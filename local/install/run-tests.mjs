import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SUITES = [
  ['--selectProjects', 'unit'],
  ['--selectProjects', 'e2e', '--runInBand'],
];

/**
 * Runs the unit tests and then, one after the other, those on servers; with arguments one run of jest with these.
 * Closes with one line, `Tests: 123 passed, 0 failed`. @returns the exit status
 */
export async function runTests(root, args) {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-tests-'));
  const suites = args.length > 0 ? [args] : SUITES;
  const runs = [];
  try {
    for (const [i, suite] of suites.entries()) runs.push(await jest(root, suite, join(folder, `${i}.json`)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const { line, ok } = summarize(runs);
  process.stdout.write(`${line}\n`);
  return ok ? 0 : 1;
}

async function jest(root, args, outputFile) {
  const bin = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const child = spawn(process.execPath, [bin, ...args, '--json', `--outputFile=${outputFile}`], {
    cwd: root,
    // Jest's own report goes to stderr; its JSON, printed to stdout as well, is for the file alone.
    stdio: ['inherit', 'ignore', 'inherit'],
  });
  const status = await new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  return { status, results: readResults(outputFile) };
}

function readResults(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined; // jest ended before it wrote any
  }
}

/**
 * The sum of several runs of jest. A suite that could not run at all, and a run that failed with no test to blame,
 * count as one failed test each, so that the line never looks better than the exit status.
 */
export function summarize(runs) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, results } of runs) {
    const failed = (results?.numFailedTests ?? 0) + (results?.numRuntimeErrorTestSuites ?? 0);
    sum.passed += results?.numPassedTests ?? 0;
    sum.failed += status !== 0 && failed === 0 ? 1 : failed;
    sum.skipped += (results?.numPendingTests ?? 0) + (results?.numTodoTests ?? 0);
  }
  const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : '';
  return {
    line: `Tests: ${sum.passed} passed, ${sum.failed} failed${skipped}`,
    ok: sum.failed === 0 && sum.passed > 0,
  };
}
