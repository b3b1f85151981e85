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
function venv(name, root, requirements) {
  const folder = async () => {
    const { version } = await findPython();
    const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
    return join(cacheFolder(), 'venvs', `${name}-${hash}-py${version}`);
  };
  return {
    name: `venv ${name}`,
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
      report.step(`installing ${relative(root, requirements)}`);
      await installRequirements(path, requirements, report, log);
      writeFileSync(join(path, COMPLETE), '');
    },
  };
}

/** uv takes seconds where pip takes a minute; pip reads more kinds of configuration (mirrors), so it has the last word. */
async function installRequirements(path, requirements, report, log) {
  const python = join(path, 'bin', 'python');
  const uv = await findUv(log);
  if (uv) {
    try {
      await run(uv, ['pip', 'install', '--python', python, '-r', requirements], { log, report });
      return;
    } catch {
      report.step('uv did not install it; trying pip');
    }
  }
  await run(python, ['-m', 'pip', 'install', '--disable-pip-version-check', '-r', requirements], {
    log,
    report,
  });
}

/** The venvs: for MLflow, training jobs of the XGBoost runtime, the search of tuning jobs, and the tests' references. */
export function venvs(root) {
  return {
    mlflow: venv('mlflow', root, join(root, 'local/python/mlflow.txt')),
    xgboost: venv('xgboost', root, join(root, 'models/runtimes/xgboost/requirements.txt')),
    tuner: venv('tuner', root, join(root, 'local/python/tuner.txt')),
    peers: venv('peers', root, join(root, 'tests/python/requirements.txt')),
  };
}
