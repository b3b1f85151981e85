import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from './lock.mjs';

describe('the lock of an installation', () => {
  let folder: string;
  let path: string;
  const quiet = { onWait: () => undefined };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'meridian-lock-'));
    path = join(folder, 'locks', 'redis');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('lets one in at a time, and says that the other waits', async () => {
    const events: string[] = [];
    const enter = (name: string) =>
      withLock(path, { onWait: () => events.push(`${name} waits`) }, async () => {
        events.push(`${name} in`);
        await new Promise((resolve) => setTimeout(resolve, 20));
        events.push(`${name} out`);
      });
    await Promise.all([enter('a'), enter('b')]);
    expect(events).toEqual(['a in', 'b waits', 'a out', 'b in', 'b out']);
    expect(existsSync(path)).toBe(false);
  });

  it('takes over from a process that is gone', async () => {
    await withLock(path, quiet, async () => undefined);
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    writeFileSync(path, String(gone));
    expect(await withLock(path, quiet, async () => 'in')).toBe('in');
  });

  it('is free again after work that failed', async () => {
    await expect(withLock(path, quiet, () => Promise.reject(new Error('no network')))).rejects.toThrow(
      'no network',
    );
    expect(existsSync(path)).toBe(false);
  });
});
