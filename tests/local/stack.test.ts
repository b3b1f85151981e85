import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { beginOf } from '../../platform/process-begin';
import { createStack, type PartStatus, type Stack } from '../../local/stack/stack';

jest.setTimeout(180_000);

const PARTS = ['temporal', 's3', 'redis'];

describe('the stack', () => {
  let home: string;
  let stack: Stack;

  const partNamed = async (name: string): Promise<PartStatus> =>
    (await stack.status()).find((part) => part.name === name)!;

  const names = async (state: string): Promise<string[]> =>
    (await stack.status()).filter((part) => part.state === state).map(({ name }) => name);

  const store = async (write: (redis: Redis) => Promise<unknown>): Promise<unknown> => {
    const redis = new Redis(stack.env()['REDIS_URL']!);
    try {
      return await write(redis);
    } finally {
      redis.disconnect();
    }
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
    expect(await names('serving')).toEqual(PARTS);
  });

  it('leaves alone what serves already', async () => {
    const before = await stack.status();
    await stack.up(PARTS);
    expect(await stack.status()).toEqual(before);
  });

  it('is found by its folder from anywhere', async () => {
    expect(await createStack({ home }).status()).toEqual(await stack.status());
    expect(createStack({ home }).env()).toEqual(stack.env());
  });

  it('shows a part that was killed, and starts it again where it was, with its data', async () => {
    const before = await partNamed('redis');
    await store((redis) => redis.set('kept', 'yes', 'EX', 600));
    await store((redis) => redis.config('SET', 'appendfsync', 'always'));
    await store((redis) => redis.set('kept', 'still'));

    expect(await stack.kill('redis', 'SIGKILL')).toBe(true);
    while (beginOf(before.pid!) !== null) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await partNamed('redis')).toMatchObject({ state: 'stopped', ports: before.ports });
    expect(await stack.kill('redis', 'SIGKILL')).toBe(false);

    await stack.up(['redis']);
    const after = await partNamed('redis');
    expect(after).toMatchObject({ state: 'serving', ports: before.ports });
    expect(after.pid).not.toBe(before.pid);
    expect(await store((redis) => redis.get('kept'))).toBe('still');
  });

  it('restarts one part and leaves the others as they are', async () => {
    const [redis, s3] = [await partNamed('redis'), await partNamed('s3')];
    await stack.restart('s3');
    expect((await partNamed('s3')).pid).not.toBe(s3.pid);
    expect(await partNamed('redis')).toEqual(redis);
  });

  it('names the parts there are when asked for one there is not', async () => {
    await expect(stack.up(['postgres'])).rejects.toThrow(/Unknown part "postgres".*temporal, s3, redis/);
  });

  it('keeps a second stack apart', async () => {
    const otherHome = await mkdtemp(join(tmpdir(), 'meridian-stack-'));
    const other = createStack({ home: otherHome, firstPort: Object.values(await portsOf(home))[0]! });
    try {
      await other.up(['redis']);
      expect(other.env()['REDIS_URL']).not.toBe(stack.env()['REDIS_URL']);
      await other.down();
      expect(await names('serving')).toEqual(PARTS);
    } finally {
      await other.down();
      await rm(otherHome, { recursive: true, force: true });
    }
  });

  it('says why a part does not start, with the end of its log', async () => {
    const otherHome = await mkdtemp(join(tmpdir(), 'meridian-stack-'));
    const before = process.env['MERIDIAN_REDIS_BIN'];
    process.env['MERIDIAN_REDIS_BIN'] = '/bin/ls';
    const other = createStack({ home: otherHome, firstPort: 45_000 });
    try {
      await expect(other.up(['redis'])).rejects.toThrow(
        /redis ended while it was starting.*unrecognized option.*redis\.log/s,
      );
    } finally {
      if (before === undefined) delete process.env['MERIDIAN_REDIS_BIN'];
      else process.env['MERIDIAN_REDIS_BIN'] = before;
      await other.down();
      await rm(otherHome, { recursive: true, force: true });
    }
  });

  it('leaves no process behind when it goes down', async () => {
    const pids = (await stack.status()).flatMap(({ pid }) => pid ?? []);
    expect(pids).toHaveLength(PARTS.length);
    await stack.down();
    expect(pids.map(beginOf)).toEqual(pids.map(() => null));
    expect(await names('serving')).toEqual([]);
    expect(existsSync(join(home, 'run', 'redis.json'))).toBe(false);
  });
});

const portsOf = async (home: string): Promise<Record<string, number>> =>
  JSON.parse(await readFile(join(home, 'ports.json'), 'utf8')) as Record<string, number>;
