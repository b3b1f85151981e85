import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { MetricLine } from '../../contracts/model';
import { projectRoot } from '../../platform/project-root';
import { madeUpCustomers, madeUpInputs } from '../support/made-up-customers';
import { layChannels, xgboostPython } from '../support/training-program';

jest.setTimeout(60_000);

// The program may save after every twentieth.
const ROUNDS = 70;
const ARTIFACT = ['baseline.json', 'golden.json', 'model.onnx', 'model.ubj', 'signature.json'];

let whole: string;
let python: string;

/** Runs the program in `base` until it ends, or kills it at the line that `until` finds. */
async function train(base: string, until?: RegExp, signal: NodeJS.Signals = 'SIGKILL', seconds = '0') {
  const program = join(projectRoot(), 'models', 'churn', 'train.py');
  const child = spawn(python, [program, '--num_round', String(ROUNDS), '--learning_rate', '0.2'], {
    env: {
      PATH: process.env['PATH'],
      SAGEMAKER_BASE_DIR: base,
      SM_NUM_CPUS: '2',
      MERIDIAN_CHECKPOINT_SECONDS: seconds,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (until?.test(line)) child.kill(signal);
  }
  return { lines, code: await ended };
}

/** A container that holds what the job's channels brought, and nothing else. */
function container(): string {
  const base = mkdtempSync(join(tmpdir(), 'meridian-checkpoints-'));
  cpSync(join(whole, 'input'), join(base, 'input'), { recursive: true });
  return base;
}

/** Every file of the artifact has the bytes of the run without a break. */
function expectTheSame(base: string): void {
  const differ = ARTIFACT.filter(
    (file) => !readFileSync(join(base, 'model', file)).equals(readFileSync(join(whole, 'model', file))),
  );
  expect(differ).toEqual([]);
}
const steps = (base: string) =>
  readFileSync(join(base, 'model', 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as MetricLine).step);
const checkpoints = (base: string) => readdirSync(join(base, 'checkpoints')).sort();
const resumedFrom = (lines: string[]) =>
  Number(/from step (\d+)/.exec(lines.find((line) => line.startsWith('resumed'))!)![1]);

beforeAll(async () => {
  python = await xgboostPython();
  whole = mkdtempSync(join(tmpdir(), 'meridian-checkpoints-'));
  await layChannels(whole, madeUpCustomers(1500), madeUpInputs);
  const { code } = await train(whole, undefined, undefined, '3600');
  expect(code).toBe(0);
});
afterAll(() => rmSync(whole, { recursive: true, force: true }));

describe('a training program that is killed', () => {
  it('goes on from its newest checkpoint, and ends with the very artifact of one that was not', async () => {
    const base = container();
    await train(base, /^checkpoint at step 40$/);
    rmSync(join(base, 'model'), { recursive: true });
    const { lines, code } = await train(base);
    expect(code).toBe(0);
    expect(resumedFrom(lines)).toBeGreaterThanOrEqual(40);
    expect(lines.find((line) => line.startsWith('['))).toMatch(`[${resumedFrom(lines)}] `);
    expectTheSame(base);
    expect(steps(base)).toEqual(steps(whole));
    rmSync(base, { recursive: true });
  });

  it('names a checkpoint that is cut off, and uses the one before', async () => {
    const base = container();
    await train(base, /^checkpoint at step 40$/);
    rmSync(join(base, 'model'), { recursive: true });
    const [before, newest] = checkpoints(base);
    truncateSync(join(base, 'checkpoints', newest!, 'model.ubj'), 100);
    const { lines, code } = await train(base);
    expect(code).toBe(0);
    expect(lines).toContain(
      `checkpoint ${newest} is not whole and is left aside: ` +
        'found model.ubj with another content than was saved (100 bytes)',
    );
    expect(resumedFrom(lines)).toBe(Number(before!.slice('step-'.length)));
    expectTheSame(base);
    expect(checkpoints(base)).toHaveLength(2);
    rmSync(base, { recursive: true });
  });

  it('starts from the beginning where no checkpoint is whole, and says so', async () => {
    const base = container();
    await train(base, /^checkpoint at step 20$/);
    for (const name of checkpoints(base))
      writeFileSync(join(base, 'checkpoints', name, 'manifest.json'), '{"mo');
    const { lines, code } = await train(base);
    expect(code).toBe(0);
    expect(lines).toContain('resumed from step 0: no whole checkpoint');
    expectTheSame(base);
    rmSync(base, { recursive: true });
  });

  it('saves once more where it is told to stop, and loses no step', async () => {
    const base = container();
    const { lines, code } = await train(base, /^\[5\]/, 'SIGTERM', '3600');
    expect(code).toBe(128 + 15);
    const done = lines.filter((line) => line.startsWith('[')).length;
    expect(done).toBeLessThan(ROUNDS);
    expect(lines.at(-1)).toBe(`checkpoint at step ${done}`);
    const again = await train(base, undefined, undefined, '3600');
    expect(resumedFrom(again.lines)).toBe(done);
    expectTheSame(base);
    rmSync(base, { recursive: true });
  });
});
