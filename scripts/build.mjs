// Builds dist/: contracts compiled from their schemas, TypeScript to JavaScript, workflows bundled ahead of time. Does
// nothing where the sources are those of the last build (--force builds all the same).
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesBelow, fingerprint } from './fingerprint.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
const stamp = join(dist, '.built');
const sourceFolders = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')).include;

const isUpToDate = (hash) => existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;

function run(script, args = []) {
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${relative(root, script)} failed (exit ${status}).`);
}

/** What was compiled from a source that is gone would otherwise be found and run. */
function removeOrphans() {
  for (const file of filesBelow(dist).filter((path) => path.endsWith('.js'))) {
    const source = join(root, relative(dist, file)).replace(/\.js$/, '.ts');
    const isCompiled = sourceFolders.some((folder) => file.startsWith(join(dist, folder, '/')));
    if (isCompiled && !file.includes('generated') && !existsSync(source)) rmSync(file);
  }
}

/** The validators are JavaScript already, which tsc leaves where it is. */
function copyValidators() {
  const target = join(dist, 'contracts', 'generated');
  mkdirSync(target, { recursive: true });
  copyFileSync(join(root, 'contracts', 'generated', 'validators.js'), join(target, 'validators.js'));
}

/** A dataset tells which code made it, and compiled code cannot hash its sources. */
function recordCodeVersion() {
  const { CODE_VERSION_FILE, hashSources } = createRequire(import.meta.url)(
    join(dist, 'activities', 'datasets', 'code-version.js'),
  );
  writeFileSync(join(dist, CODE_VERSION_FILE), hashSources(root));
}

async function build() {
  run(join(root, 'scripts', 'generate-contracts.mjs'));
  copyValidators();
  run(join(root, 'node_modules', 'typescript', 'bin', 'tsc'));
  removeOrphans();
  recordCodeVersion();
  // Loaded when needed: the bundler takes longer to load than a build that is up to date.
  const { bundleWorkflows } = await import('./bundle-workflows.mjs');
  await bundleWorkflows(dist);
}

const hash = fingerprint(root, sourceFolders);
if (process.argv.includes('--force') || !isUpToDate(hash)) {
  rmSync(stamp, { force: true });
  const began = Date.now();
  process.stdout.write('Building …\n');
  try {
    await build();
    writeFileSync(stamp, hash);
    process.stdout.write(`Built in ${((Date.now() - began) / 1000).toFixed(1)} s.\n`);
  } catch (error) {
    process.stderr.write(`Build failed: ${error.message}\n`);
    process.exitCode = 1;
  }
}
