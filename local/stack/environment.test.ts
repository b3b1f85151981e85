import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepMaskingKey, processEnvironment, stackEnvironment } from './environment';
import { DEFAULT_PORTS } from './part';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'meridian-home-'))));
afterEach(() => rmSync(home, { recursive: true }));

const keyOf = (folder: string) => stackEnvironment(folder, DEFAULT_PORTS)['MERIDIAN_MASKING_KEY'];

describe('the masking key', () => {
  it('is made once, is the stack’s own, and is read by its owner only', () => {
    expect(keyOf(home)).toBeUndefined();
    keepMaskingKey(home);
    const key = keyOf(home)!;
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    keepMaskingKey(home);
    expect(keyOf(home)).toBe(key);
    expect(readdirSync(home)).toEqual(['masking-key']);
    expect(statSync(join(home, 'masking-key')).mode & 0o777).toBe(0o600);

    const other = mkdtempSync(join(tmpdir(), 'meridian-home-'));
    keepMaskingKey(other);
    expect(keyOf(other)).not.toBe(key);
    rmSync(other, { recursive: true });
  });

  it('is the same in every process of the stack, whoever starts it', () => {
    keepMaskingKey(home);
    const stack = stackEnvironment(home, DEFAULT_PORTS);
    const started = processEnvironment(stack, { MERIDIAN_MASKING_KEY: 'of the shell', HOME: '/home/ana' });
    expect(started).toMatchObject({ MERIDIAN_MASKING_KEY: keyOf(home), HOME: '/home/ana' });
  });
});
