import { writeFileSync } from 'node:fs';
import { unkeyedMaskWarning } from '../contracts/masking';
import type { Log } from './log';

/** Tells whoever started this process that it serves now (`MERIDIAN_READY_FILE`, where one is named). */
export function reportReady(): void {
  const file = process.env['MERIDIAN_READY_FILE'];
  if (file) writeFileSync(file, `${process.pid}\n`);
}

/** Aborts on the first SIGTERM or SIGINT; what a process awaits to shut down gracefully. */
export function shutdownSignal(log: Log): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log.info({ signal: name }, 'shutting down');
      controller.abort();
    });
  }
  return controller.signal;
}

/** Runs a process's main function; what it throws is logged and ends the process with status 1. */
export function runMain(log: Log, main: () => Promise<void>): void {
  const unkeyed = unkeyedMaskWarning(process.env);
  if (unkeyed !== null) log.warn(unkeyed);
  main().then(
    () => process.exit(0),
    (error: unknown) => {
      log.fatal({ err: error }, 'the process failed');
      process.exit(1);
    },
  );
}
