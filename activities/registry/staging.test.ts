import { Key } from '../../contracts/ids';
import type { ServedVersion } from '../../contracts/release';
import type { ObjectStore } from '../../platform/s3';
import { stage, unstage } from './staging';

describe('the version in Staging', () => {
  let object: { body: Buffer; etag: string } | null;
  let writes: number;
  const write = (body: Buffer | string): boolean => {
    writes += 1;
    object = { body: Buffer.from(body), etag: String(writes) };
    return true;
  };
  const store = {
    uri: (key: string) => `s3://bucket/${key}`,
    find: async (key: string) => (key === Key.stagingPointer('churn') ? object : null),
    create: async (_key: string, body: string) => object === null && write(body),
    replace: async (_key: string, body: string, etag: string) => object?.etag === etag && write(body),
  } as unknown as ObjectStore;
  const served = (version: string): ServedVersion => ({ version, artifactKey: 'k', sha256: version });
  const staged = (): string | null =>
    (JSON.parse(object!.body.toString()) as { staged: ServedVersion | null }).staged?.version ?? null;

  beforeEach(() => {
    object = null;
    writes = 0;
  });

  it('is the newest by its number, whatever the order, and is written once', async () => {
    await stage(store, 'churn', served('churn-v1.9.0'));
    await stage(store, 'churn', served('churn-v1.10.0'));
    await stage(store, 'churn', served('churn-v1.9.0'));
    await stage(store, 'churn', served('churn-v1.10.0'));
    expect([staged(), writes]).toEqual(['churn-v1.10.0', 2]);
  });

  it('is none once it is promoted, and stays where another is', async () => {
    await unstage(store, 'churn', 'churn-v1.0.0');
    expect(object).toBeNull();
    await stage(store, 'churn', served('churn-v1.1.0'));
    await unstage(store, 'churn', 'churn-v1.0.0');
    expect(staged()).toBe('churn-v1.1.0');
    await unstage(store, 'churn', 'churn-v1.1.0');
    await unstage(store, 'churn', 'churn-v1.1.0');
    expect([staged(), writes]).toEqual([null, 2]);
  });

  it('is not overwritten by who read it before it moved', async () => {
    await stage(store, 'churn', served('churn-v1.0.0'));
    const late = { ...store, find: async () => ({ body: object!.body, etag: 'old' }) } as ObjectStore;
    await expect(stage(late, 'churn', served('churn-v1.1.0'))).rejects.toMatchObject({
      code: 'DependencyUnavailable',
      retryable: true,
    });
    expect(staged()).toBe('churn-v1.0.0');
  });
});
