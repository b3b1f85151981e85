import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMPLETE, cacheFolder } from './cache.mjs';
import { findPython } from './python.mjs';
import { onPath, run } from './shell.mjs';

let found;

/** The installer uv, from PATH or in a venv of its own in the cache; undefined where it cannot be had. */
export function findUv(log) {
  found ??= lookForUv(log).catch(() => undefined);
  return found;
}

async function lookForUv(log) {
  const path = onPath('uv');
  if (path) return path;
  const folder = join(cacheFolder(), 'tools', 'uv');
  const uv = join(folder, 'bin', 'uv');
  if (existsSync(join(folder, COMPLETE))) return uv;
  const { python } = await findPython();
  rmSync(folder, { recursive: true, force: true });
  await run(python, ['-m', 'venv', folder], { log });
  await run(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--disable-pip-version-check', 'uv'], {
    log,
  });
  writeFileSync(join(folder, COMPLETE), '');
  return uv;
}
