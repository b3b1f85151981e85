import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSourceState } from './source-state';

describe('readSourceState', () => {
  let home: string;
  let root: string;
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      cwd: root,
      encoding: 'utf8',
    });
  const write = (file: string, text: string) => writeFileSync(join(root, file), text);

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'meridian-source-'));
    root = join(home, 'checkout');
    mkdirSync(join(root, 'models'), { recursive: true });
    write('package.json', '{}\n');
    write('models/train.py', 'print(1)\n');
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const commit = () => {
    git('init', '-q');
    git('add', '.');
    git('commit', '-q', '-m', 'first');
    return git('rev-parse', 'HEAD').trim();
  };

  it('knows nothing where there is no repository, nor from one that the folder is no part of', async () => {
    expect(await readSourceState(root)).toEqual({ commit: null, diff: null });
    execFileSync('git', ['init', '-q'], { cwd: home });
    expect(await readSourceState(root)).toEqual({ commit: null, diff: null });
    expect(await readSourceState(join(home, 'nowhere'))).toEqual({ commit: null, diff: null });
  });

  it('names the commit of a clean checkout', async () => {
    expect(await readSourceState(root)).toMatchObject({ commit: null });
    const hash = commit();
    expect(await readSourceState(root)).toEqual({ commit: hash, diff: null });
  });

  it('gives a patch that makes the commit what was published, new files of models and features included', async () => {
    const hash = commit();
    write('models/train.py', 'print(2)\n');
    write('models/new.py', 'print("new")\nno newline');
    write('models/empty.py', '');
    write('.env', 'SECRET=1\n');
    const state = await readSourceState(root);
    expect(state.commit).toBe(hash);
    expect(state.diff).not.toContain('SECRET');
    rmSync(join(root, 'models/new.py'));
    rmSync(join(root, 'models/empty.py'));
    git('checkout', '-q', '--', '.');
    writeFileSync(join(home, 'dirty.diff'), state.diff!);
    git('apply', join(home, 'dirty.diff'));
    expect(await readSourceState(root)).toEqual(state);
  });

  it('cuts a patch that is very long, and says so', async () => {
    commit();
    write('models/train.py', 'x = 1\n'.repeat(600_000));
    expect((await readSourceState(root)).diff).toMatch(/# Cut here: the whole difference is \d+ bytes\.\n$/);
  });
});
