import { join } from 'node:path';
import { findBinary } from './binary.mjs';
import { cacheFolder } from './cache.mjs';
import { installProgram } from './program.mjs';

const VERSION = '1.8.0';
const OS = { linux: 'Linux', darwin: 'Darwin' };
const ARCH = { x64: 'x86_64', arm64: 'arm64' };
const RELEASES = 'https://github.com/versity/versitygw/releases/download';
const cached = () => join(cacheFolder(), 'tools', `versitygw-${VERSION}`, 'versitygw');

/** An S3 server on a folder, with conditional writes. */
export const versitygw = {
  name: 'versitygw',
  find: () => findBinary({ variable: 'MERIDIAN_VERSITYGW_BIN', names: ['versitygw'], cached: [cached()] }),
  install: (report, log) =>
    installProgram({
      program: 'versitygw',
      url: `${RELEASES}/v${VERSION}/versitygw_v${VERSION}_${OS[process.platform]}_${ARCH[process.arch]}.tar.gz`,
      module: `github.com/versity/versitygw/cmd/versitygw@v${VERSION}`,
      target: cached(),
      log,
      report,
    }),
};
