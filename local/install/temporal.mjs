import { join } from 'node:path';
import { findBinary } from './binary.mjs';
import { cacheFolder } from './cache.mjs';
import { installProgram } from './program.mjs';

// The newest version that `go install` accepts: later ones have a replace directive in their go.mod.
const VERSION = '1.5.1';
const ARCH = { x64: 'amd64', arm64: 'arm64' };
const cached = () => join(cacheFolder(), 'tools', `temporal-${VERSION}`, 'temporal');

/** The Temporal CLI, which holds the development server. */
export const temporal = {
  name: 'temporal',
  find: () => findBinary({ variable: 'MERIDIAN_TEMPORAL_BIN', names: ['temporal'], cached: [cached()] }),
  install: (report, log) =>
    installProgram({
      program: 'temporal',
      url: `https://temporal.download/cli/archive/v${VERSION}?platform=${process.platform}&arch=${ARCH[process.arch]}`,
      module: `github.com/temporalio/cli/cmd/temporal@v${VERSION}`,
      target: cached(),
      log,
      report,
    }),
};
