import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { LoadAnswer, LoadRequest } from './load';

/** Sends the load from a process of its own, so that neither the measured nor the measuring one is in its way. */
export function runLoad(request: LoadRequest): Promise<LoadAnswer> {
  const child = fork(join(__dirname, 'generator.js'), { serialization: 'advanced' });
  return new Promise((resolve, reject) => {
    child.once('message', (answer) => resolve(answer as LoadAnswer));
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`The load's process ended with ${code}, without an answer.`)),
    );
    child.send(request);
  });
}

/** @throws Error where any call failed: a figure of what was refused is none */
export async function runCleanLoad(request: LoadRequest): Promise<LoadAnswer> {
  const answer = await runLoad(request);
  if (answer.failed === 0) return answer;
  throw new Error(
    `${request.url}: ${answer.failed} of ${answer.took.length} calls failed:\n${answer.failures.join('\n')}`,
  );
}
