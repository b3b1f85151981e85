import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { LoadAnswer, LoadRequest } from './load';

/** Sends the load from a process of its own, so that neither the measured nor the measuring one is in its way. */
export const runLoad = (request: LoadRequest): Promise<LoadAnswer> =>
  askProcess(join(__dirname, 'generator.js'), request);

/** Runs a program that makes load of one request, sent to it as a message, and answers by a message. */
export function askProcess(program: string, request: object): Promise<LoadAnswer> {
  const child = fork(program, { serialization: 'advanced' });
  return new Promise((resolve, reject) => {
    child.once('message', (answer) => resolve(answer as LoadAnswer));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code}, without an answer.`)));
    child.send(request);
  });
}

/** Where failures are counted, what the first of them were. */
export function tellFailures(
  what: string,
  { failed, took, failures, unanswered }: LoadAnswer,
  say: (text: string) => void,
): void {
  if (failed + unanswered === 0) return;
  const counts = `${failed} of ${took.length} calls failed, ${unanswered} were never answered`;
  say([`  ${what}: ${counts}`, ...failures].join('\n    '));
}

/** @throws Error where any call failed: a figure of what was refused is none */
export function refuseFailures(what: string, answer: LoadAnswer): LoadAnswer {
  if (answer.failed === 0) return answer;
  const { failed, took, failures } = answer;
  throw new Error(`${what}: ${failed} of ${took.length} calls failed:\n${failures.join('\n')}`);
}
