import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { CODE_VERSION_FILE, CONTENT_SOURCES, codeVersion, hashSources } from './code-version';

const root = join(__dirname, '..', '..');
let copy: string;
beforeEach(async () => {
  copy = await mkdtemp(join(tmpdir(), 'meridian-code-'));
  for (const source of CONTENT_SOURCES) cpSync(join(root, source), join(copy, source), { recursive: true });
});
afterEach(() => rm(copy, { recursive: true, force: true }));

it('is told by every source, and by DuckDB', () => {
  let version = codeVersion(copy);
  expect(version).toBe(codeVersion());
  for (const source of [
    ...CONTENT_SOURCES.filter((name) => name.endsWith('.ts')),
    'activities/datasets/historical/join.ts',
  ]) {
    appendFileSync(join(copy, source), '\n// changed');
    const next = codeVersion(copy);
    expect(next).not.toBe(version);
    version = next;
  }
  expect(codeVersion(copy, 'v0.0.1')).not.toBe(version);
});

it('is not told by tests, nor by what lies beside', () => {
  const version = codeVersion(copy);
  writeFileSync(join(copy, 'activities/datasets/other.test.ts'), 'a test');
  writeFileSync(join(copy, 'activities/datasets/notes.md'), 'notes');
  writeFileSync(join(copy, 'platform/other.ts'), 'something else');
  expect(codeVersion(copy)).toBe(version);
});

it('is the same compiled: what the build wrote of the sources', async () => {
  await rm(copy, { recursive: true });
  mkdirSync(dirname(join(copy, CODE_VERSION_FILE)), { recursive: true });
  writeFileSync(join(copy, 'activities/datasets/code-version.js'), 'compiled');
  expect(() => codeVersion(copy)).toThrow(/Run: npm run build/);
  writeFileSync(join(copy, CODE_VERSION_FILE), hashSources(root));
  expect(codeVersion(copy)).toBe(codeVersion());
});

/** What a snapshot is built with, but that has no say in what is in it: words, transport, what lets it be built or not. */
const WITHOUT_A_SAY = [
  'activities/features/admission.ts',
  'contracts/errors.ts',
  'contracts/generated/',
  'contracts/masking.ts',
  'contracts/validate.ts',
  'platform/concurrency.ts',
  'platform/duckdb-errors.ts',
  'platform/process-begin.ts',
  'platform/s3/',
  'platform/work-folder.ts',
];

it('leaves out no module that a snapshot is built with', () => {
  const modules = [...modulesOf(join(__dirname, 'snapshot.ts'))].map((path) => relative(root, path));
  expect(modules).toContain('activities/privacy/opt-outs.ts');
  expect(modules.filter((path) => !isOneOf(CONTENT_SOURCES, path))).toEqual([]);
});

const isOneOf = (sources: readonly string[], path: string): boolean =>
  sources.some((source) => path.startsWith(source));

/** A module and all it imports from the checkout, for more than types, but for what has no say. */
function modulesOf(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path) || isOneOf(WITHOUT_A_SAY, relative(root, path))) return found;
  found.add(path);
  const imports = readFileSync(path, 'utf8').matchAll(/^(?:im|ex)port (?!type )([^;]*?) from '(\.[^']*)';/gm);
  for (const [, names, target] of imports) {
    const onlyTypes = /^\{(\s*type \w+,?)*\s*\}$/.test(names!);
    const module = resolve(dirname(path), target!);
    const file = existsSync(`${module}.ts`) ? `${module}.ts` : join(module, 'index.ts');
    if (!onlyTypes) modulesOf(file, found);
  }
  return found;
}
