import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { findTestTools } from '../../tests/support/tools';
import { projectRoot } from '../../platform/project-root';
import type { TaskAnswer } from './tasks/task';

/** Runs one of the tasks beside this file in a process of its own. */
export const runOurs = (task: string, request: object): Promise<TaskAnswer> =>
  run([process.execPath, join(__dirname, 'tasks', `${task}.js`)], request);

/** Runs one task of the real Feast (`feast_peer.py`) in a process of its own. */
export async function runFeast(request: object): Promise<TaskAnswer> {
  const { peers } = await findTestTools();
  const program = join(projectRoot(), 'benchmarks', 'features', 'feast_peer.py');
  return run([join(peers, 'bin', 'python'), program], request);
}

async function run([file, ...args]: [string, ...string[]], request: object): Promise<TaskAnswer> {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  child.stdin.end(JSON.stringify(request));
  const [code, output, errors] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
  const last = output.trim().split('\n').at(-1)!;
  if (code !== 0) throw new Error(`${[file, ...args].join(' ')}: exited with ${code}.\n${errors}`);
  return JSON.parse(last) as TaskAnswer;
}
