// What `npm start`, `npm test` and `npm run bench` call: installs what is missing, builds, and goes on with what was
// built. It runs before any package is installed, and so it uses none.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissing } from './install/install.mjs';
import { runTests } from './install/run-tests.mjs';
import { installableParts } from './install/tools.mjs';
import { scoringPeers } from './install/venvs.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const OLDEST_NODE = 20;

// The README says it once: from January 2027 on the AWS SDK's new releases need Node 22, and this one is pinned.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const commands = {
  install: async () => {
    await install({ withPeers: true });
    return 0;
  },
  start: async (args) => {
    await prepare({ withPeers: false });
    return node('dist/local/start.js', args);
  },
  test: async (args) => {
    await prepare({ withPeers: true });
    return runTests(root, args);
  },
  bench: async (args) => {
    await prepare({ withPeers: true });
    if (args.includes('scoring')) await installMissing(Object.values(scoringPeers(root)));
    return node('dist/benchmarks/run.js', args);
  },
};

async function main([name, ...args]) {
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
    throw new Error(
      `Node ≥ ${OLDEST_NODE} is needed, this is ${process.version}. Install it from https://nodejs.org.`,
    );
  }
  const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined;
  if (!command)
    throw new Error(`usage: node local/bootstrap.mjs ${Object.keys(commands).join('|')} [arguments]`);
  return command(args[0] === '--' ? args.slice(1) : args);
}

async function prepare(options) {
  await install(options);
  const status = await node('scripts/build.mjs', []);
  if (status !== 0) throw new Error('The build failed: see above.');
}

const install = (options) => installMissing(installableParts(root, options));

/** Runs a script of this project to its end; what asks this process to end asks the script. */
function node(script, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, script), ...args], { cwd: root, stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
}
