import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStack, type Stack } from '../../local/stack/stack';

jest.setTimeout(180_000);

const PARTS = ['temporal', 's3', 'redis'] as const;

describe('the stack', () => {
  let home: string;
  let stack: Stack;

  const state = async () => {
    const parts = await stack.status();
    return Object.fromEntries(
      parts.filter(({ name }) => PARTS.some((part) => part === name)).map((part) => [part.name, part.state]),
    );
  };

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'meridian-stack-'));
    stack = createStack({ home, firstPort: 20_000 + Math.floor(Math.random() * 20_000) });
    await stack.up(PARTS);
  });

  afterAll(async () => {
    await stack.down();
    await rm(home, { recursive: true, force: true });
  });

  it('serves what was started, and nothing else', async () => {
    const serving = (await stack.status()).filter((part) => part.state === 'serving').map(({ name }) => name);
    expect(serving).toEqual([...PARTS]);
  });
});
