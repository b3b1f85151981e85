import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { version as duckdbVersion } from '@duckdb/node-api';
import { ErrorCode, MeridianError } from '../../contracts/errors';

/** Written below `dist/` by the build, which has the sources at hand. */
export const CODE_VERSION_FILE = 'activities/datasets/code-version.txt';

/** Folders and files, from the checkout's root, that decide what is in a snapshot, beside DuckDB itself. */
export const CONTENT_SOURCES = [
  'activities/datasets',
  'activities/features/compute-sources.ts',
  'activities/privacy',
  'activities/quality/rules.ts',
  'contracts/canonical-json.ts',
  'contracts/dataset.ts',
  'contracts/days.ts',
  'contracts/feature-view.ts',
  'contracts/ids.ts',
  'contracts/instant.ts',
  'contracts/opt-outs.ts',
  'contracts/ownership.ts',
  'platform/duckdb-types.ts',
  'platform/duckdb.ts',
  'platform/feature-views.ts',
  'platform/partitions.ts',
];

/**
 * Hash of the code that makes snapshots: of its sources, and of DuckDB's version. The same whether they run as TypeScript
 * or compiled.
 * @param root The folder that `activities` lies in.
 * @throws MeridianError InternalError where the code was compiled, but not by the build.
 */
export function codeVersion(root = join(__dirname, '..', '..'), duckdb = duckdbVersion()): string {
  const written = join(root, CODE_VERSION_FILE);
  const sources = existsSync(written) ? readFileSync(written, 'utf8') : hashSources(root);
  return digest(`${sources}\n${duckdb}`);
}

/** Hash of `CONTENT_SOURCES`, tests left out. */
export function hashSources(root: string): string {
  const hash = createHash('sha256');
  for (const source of CONTENT_SOURCES) {
    const files = filesOf(join(root, source)).filter((path) => /(?<!\.test)\.ts$/.test(path));
    if (files.length === 0) throw withoutSources(root, source);
    for (const path of files) hash.update(`${relative(root, path)}\n`).update(readFileSync(path));
  }
  return hash.digest('hex');
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

const withoutSources = (root: string, source: string): MeridianError =>
  new MeridianError(
    ErrorCode.InternalError,
    `${root}: expected ${CODE_VERSION_FILE} or the TypeScript sources ${source}, found neither. Run: npm run build`,
    [],
    { retryable: false },
  );

/** The path itself where it is a file, everything below it where it is a folder. */
function filesOf(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isDirectory()) return found ? [path] : [];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesOf(join(path, name)));
}
