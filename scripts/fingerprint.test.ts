import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fingerprint } from './fingerprint.mjs';

describe('the fingerprint of a build', () => {
  let root: string;

  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const now = (): string => fingerprint(root, ['contracts', 'workers']);

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'meridian-fingerprint-'));
    write('tsconfig.json', '{}');
    write('package-lock.json', '{}');
    write('workers/data.ts', 'one');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('changes with the content, the name and the number of sources', () => {
    const seen = [now()];
    write('workers/data.ts', 'two');
    seen.push(now());
    renameSync(join(root, 'workers/data.ts'), join(root, 'workers/other.ts'));
    seen.push(now());
    write('contracts/schemas/launch.json', '{}');
    seen.push(now());
    write('package-lock.json', '{"packages": {}}');
    seen.push(now());
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('is the same where nothing that is built has changed', () => {
    const before = now();
    utimesSync(join(root, 'workers/data.ts'), 1, 1);
    write('workers/notes.md', 'prose');
    write('contracts/generated/types.ts', 'made by the build itself');
    expect(now()).toBe(before);
  });
});
