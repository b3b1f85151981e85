import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './shell.mjs';

/** npm packages, as package-lock.json has them. */
export function npmPackages(root) {
  return {
    name: 'npm packages',
    find: async () => (isInstalled(root) ? join(root, 'node_modules') : undefined),
    async install(report, log) {
      report.step('npm ci');
      await run('npm', ['ci', '--no-progress'], { log, report, cwd: root });
    },
  };
}

function isInstalled(root) {
  // npm writes this file last, so that a killed installation has none, or an old one.
  const installed = join(root, 'node_modules', '.package-lock.json');
  return existsSync(installed) && agree(readLock(join(root, 'package-lock.json')), readLock(installed));
}

const readLock = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;

/** Whether what is installed is what the lock file asks for; optional packages are for other platforms, perhaps. */
export function agree(wanted, installed) {
  return Object.entries(wanted)
    .filter(([path]) => path !== '')
    .every(([path, { version, optional, devOptional }]) =>
      installed[path] ? installed[path].version === version : Boolean(optional || devOptional),
    );
}
