import { npmPackages } from './npm.mjs';
import { redis } from './redis.mjs';
import { temporal } from './temporal.mjs';
import { timeSkipping } from './time-skipping.mjs';
import { venvs } from './venvs.mjs';
import { versitygw } from './versitygw.mjs';

/** Everything that may have to be installed, the longest first; the peers' venv is for tests and benchmarks alone. */
export function installableParts(root, { withPeers }) {
  const { mlflow, xgboost, tuner, peers } = venvs(root);
  return [
    temporal,
    versitygw,
    redis,
    npmPackages(root),
    mlflow,
    xgboost,
    tuner,
    ...(withPeers ? [peers, timeSkipping(root)] : []),
  ];
}

/** Where the programs are that the stack runs: absolute paths, undefined for what is not installed. */
export async function findTools(root) {
  const { mlflow, xgboost, tuner, peers } = venvs(root);
  const parts = Object.entries({
    temporal,
    versitygw,
    redis,
    mlflow,
    xgboost,
    tuner,
    peers,
    timeSkipping: timeSkipping(root),
  });
  return Object.fromEntries(await Promise.all(parts.map(async ([name, part]) => [name, await part.find()])));
}
