import { npmPackages } from './npm.mjs';
import { redis } from './redis.mjs';
import { temporal } from './temporal.mjs';
import { timeSkipping } from './time-skipping.mjs';
import { venvs } from './venvs.mjs';
import { versitygw } from './versitygw.mjs';

/**
 * Everything that has to be installed before the platform starts, the longest first; with what tests and benchmarks need
 * besides. What torch brings along is gigabytes: elsewhere it is installed when a job of that runtime asks for it.
 */
export function installableParts(root, { withPeers }) {
  const { mlflow, xgboost, sklearn, torch, baseModel, tuner, peers, schemathesis } = venvs(root);
  return [
    ...(withPeers ? [torch, sklearn] : []),
    temporal,
    versitygw,
    redis,
    npmPackages(root),
    mlflow,
    xgboost,
    tuner,
    ...(withPeers ? [baseModel, peers, schemathesis, timeSkipping(root)] : []),
  ];
}

/** Where the programs are that the stack runs: absolute paths, undefined for what is not installed. */
export async function findTools(root) {
  const { mlflow, xgboost, sklearn, torch, baseModel, tuner, peers, schemathesis } = venvs(root);
  const parts = Object.entries({
    temporal,
    versitygw,
    redis,
    mlflow,
    xgboost,
    sklearn,
    torch,
    baseModel,
    tuner,
    peers,
    schemathesis,
    timeSkipping: timeSkipping(root),
  });
  return Object.fromEntries(await Promise.all(parts.map(async ([name, part]) => [name, await part.find()])));
}
