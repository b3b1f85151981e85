import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { COMPLETE, cacheFolder } from './cache.mjs';
import { findPython } from './python.mjs';
import { run } from './shell.mjs';
import { findUv } from './uv.mjs';

/**
 * A Python venv of one requirements file. Its folder is named by the file's hash and the Python version: a changed
 * file makes a new venv, and every checkout with the same file shares one.
 */
function venv(name, root, requirements, { torchIndex, withDependencies = true } = {}) {
  const folder = async () => {
    const { version } = await findPython();
    const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
    return join(cacheFolder(), 'venvs', `${name}-${hash}-py${version}`);
  };
  return {
    name: `venv ${name}`,
    /** Where it is, or will be once it is installed. */
    folder,
    async find() {
      const path = await folder();
      return existsSync(join(path, COMPLETE)) ? path : undefined;
    },
    async install(report, log) {
      const path = await folder();
      const { python, version } = await findPython();
      rmSync(path, { recursive: true, force: true });
      report.step(`making a venv of Python ${version}`);
      await run(python, ['-m', 'venv', path], { log, report }).catch((error) => {
        throw new Error(
          `${error.message}\n  The venv module may be missing (Debian: apt-get install python3-venv).`,
        );
      });
      const own = join(path, 'bin', 'python');
      if (torchIndex) await installTorch(own, requirements, torchIndex, report, log);
      report.step(`installing ${relative(root, requirements)}`);
      await pipInstall(own, [...(withDependencies ? [] : ['--no-deps']), '-r', requirements], report, log);
      writeFileSync(join(path, COMPLETE), '');
    },
  };
}

/**
 * torch alone out of the index of `MERIDIAN_TORCH_INDEX_URL`: of CPU wheels, say, which spare the gigabytes of CUDA that
 * PyPI's wheel for Linux brings along. What the requirements ask for is then there already.
 */
async function installTorch(python, requirements, index, report, log) {
  report.step('installing torch from MERIDIAN_TORCH_INDEX_URL');
  const pinned = readFileSync(requirements, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('torch=='));
  await pipInstall(python, ['--no-deps', '--index-url', index, ...pinned], report, log);
}

/** uv takes seconds where pip takes a minute; pip reads more kinds of configuration (mirrors), so it has the last word. */
async function pipInstall(python, args, report, log) {
  const uv = await findUv(log);
  if (uv) {
    try {
      await run(uv, ['pip', 'install', '--python', python, ...args], { log, report });
      return;
    } catch {
      report.step('uv did not install it; trying pip');
    }
  }
  await run(python, ['-m', 'pip', 'install', '--disable-pip-version-check', ...args], { log, report });
}

/** The venv of a runtime of training jobs: a folder of models/runtimes. Undefined where there is no such folder. */
export function runtimeVenv(root, name, env = process.env) {
  const requirements = join(root, 'models/runtimes', name, 'requirements.txt');
  if (!existsSync(requirements)) return undefined;
  return venv(name, root, requirements, { torchIndex: name === 'torch' && env.MERIDIAN_TORCH_INDEX_URL });
}

/** What scoring is compared with; installed for that benchmark alone. */
export function scoringPeers(root) {
  const folder = join(root, 'benchmarks/scoring/peers');
  return {
    peers: venv('scoring-peers', root, join(folder, 'requirements.txt')),
    mlserver: venv('scoring-mlserver', root, join(folder, 'mlserver.txt')),
  };
}

/**
 * The venvs: for MLflow, training jobs of each runtime, the search of tuning jobs, the weights that fine-tuning starts from
 * (of a package whose code is not used, hence without what it depends on), and the tests' references.
 */
export function venvs(root) {
  return {
    mlflow: venv('mlflow', root, join(root, 'local/python/mlflow.txt')),
    xgboost: runtimeVenv(root, 'xgboost'),
    sklearn: runtimeVenv(root, 'sklearn'),
    torch: runtimeVenv(root, 'torch'),
    baseModel: venv('base-model', root, join(root, 'local/python/base-model.txt'), {
      withDependencies: false,
    }),
    tuner: venv('tuner', root, join(root, 'local/python/tuner.txt')),
    peers: venv('peers', root, join(root, 'tests/python/requirements.txt')),
    schemathesis: venv('schemathesis', root, join(root, 'tests/python/schemathesis.txt')),
  };
}
