import { join } from 'node:path';
import { isExecutable, onPath, run } from './shell.mjs';

/** Builds a Go program in `folder`. @returns its path */
export async function goBuild({ module, program, folder, log, report }) {
  const go = [onPath('go'), '/usr/local/go/bin/go'].find((path) => path && isExecutable(path));
  if (!go) {
    throw new Error(
      `${program} could not be downloaded, and building it needs Go, which is not on PATH. ` +
        `Install Go (https://go.dev/dl), or put ${program} on PATH, and start again.`,
    );
  }
  await run(go, ['install', module], { log, report, env: { GOBIN: folder } });
  return join(folder, program);
}
