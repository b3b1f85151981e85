import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CODE_VERSION_FILE, codeVersion, hashSources } from './code-version';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'meridian-code-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

it('is told by the sources in all folders, and by nothing else', async () => {
  await mkdir(join(folder, 'below'));
  await writeFile(join(folder, 'a.ts'), 'one');
  await writeFile(join(folder, 'below', 'b.ts'), 'two');
  const version = codeVersion(folder);
  await writeFile(join(folder, 'a.test.ts'), 'a test');
  await writeFile(join(folder, 'notes.md'), 'notes');
  expect(codeVersion(folder)).toBe(version);
  await writeFile(join(folder, 'below', 'b.ts'), 'three');
  expect(codeVersion(folder)).not.toBe(version);
});

it('is the same compiled: what the build wrote of the sources', async () => {
  await writeFile(join(folder, 'code-version.js'), 'compiled');
  await writeFile(join(folder, CODE_VERSION_FILE), hashSources(__dirname));
  expect(codeVersion(folder)).toBe(codeVersion());
});

it('says so where it was compiled without the build', async () => {
  await writeFile(join(folder, 'code-version.js'), 'compiled');
  expect(() => codeVersion(folder)).toThrow(/Run: npm run build/);
});
