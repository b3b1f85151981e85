import { isExecutable, onPath, output } from './shell.mjs';

/**
 * Looks for a program: where the environment variable says, then on PATH (where it must answer `--version`), then
 * in the cache. @returns its absolute path, or undefined.
 */
export async function findBinary({ variable, names, cached, env = process.env }) {
  const given = env[variable];
  if (given) {
    if (isExecutable(given)) return given;
    throw new Error(`${variable} is ${given}, which is no executable file. Correct it or unset it.`);
  }
  for (const name of names) {
    const path = onPath(name, env);
    if (path && (await output(path, ['--version'])) !== undefined) return path;
  }
  return cached.find(isExecutable);
}
