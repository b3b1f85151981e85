import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';

/** What one process of the benchmark answers, ours and Feast's alike. */
export interface TaskAnswer {
  /** Of each timed piece of work. */
  seconds: number[];
  /** The largest resident memory the process ever had. */
  peakBytes: number;
}

/** Runs what one process measures: its request comes as JSON on standard input, the answer goes to standard output. */
export function runTask<Request>(task: (request: Request) => Promise<number[]>): void {
  const answer = async (): Promise<TaskAnswer> => {
    const request = JSON.parse(await text(process.stdin)) as Request;
    const seconds = await task(request);
    return { seconds, peakBytes: peakBytes() };
  };
  // What a task has opened would keep the process alive.
  answer().then(
    (answered) => process.stdout.write(`${JSON.stringify(answered)}\n`, () => process.exit(0)),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
}

/** Seconds that the work took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}

function peakBytes(): number {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  if (!found) throw new Error('/proc/self/status: expected a line VmHWM, found none.');
  return Number(found[1]) * 1024;
}
