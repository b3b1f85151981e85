import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ErrorCode, MeridianError } from '../../contracts/errors';

/** Written beside the compiled code by the build, which has the sources at hand. */
export const CODE_VERSION_FILE = 'code-version.txt';

/**
 * Hash of the sources that build snapshots: a snapshot tells by it what made it. The same whether they run as
 * TypeScript or compiled.
 * @throws MeridianError InternalError where the code was compiled, but not by the build.
 */
export function codeVersion(folder = __dirname): string {
  const written = join(folder, CODE_VERSION_FILE);
  return existsSync(written) ? readFileSync(written, 'utf8') : hashSources(folder);
}

/** Hash of the TypeScript sources below a folder, tests left out. */
export function hashSources(folder: string): string {
  const sources = filesBelow(folder).filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'));
  if (sources.length === 0) {
    throw new MeridianError(
      ErrorCode.InternalError,
      `${folder}: expected ${CODE_VERSION_FILE} or TypeScript sources, found neither. Run: npm run build`,
      [],
      { retryable: false },
    );
  }
  const hash = createHash('sha256');
  for (const path of sources) hash.update(`${relative(folder, path)}\n`).update(readFileSync(path));
  return hash.digest('hex').slice(0, 16);
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
    )
    .sort();
