import type { ReleaseDecision } from '../../contracts/decision';
import { Key } from '../../contracts/ids';
import type { Generation, ServedVersion } from '../../contracts/release';
import { sha256, type ObjectStore } from '../../platform/s3';
import { choose } from './choice';
import { nextGeneration } from './generation';

/** A bucket in memory: what is read is what was put. */
class Bucket {
  private readonly objects = new Map<string, string>();
  readonly store = {
    find: async (key: string) =>
      this.objects.has(key) ? { body: Buffer.from(this.objects.get(key)!), etag: 'e' } : null,
    get: async (key: string) => Buffer.from(this.objects.get(key) ?? ''),
    getJson: async (key: string) => JSON.parse(this.objects.get(key)!) as unknown,
    listFolders: async () => [],
    uri: (key: string) => key,
  } as unknown as ObjectStore;

  put(key: string, value: unknown): string {
    this.objects.set(key, JSON.stringify(value));
    return JSON.stringify(value);
  }
}

describe('choose', () => {
  let bucket: Bucket;
  let current: Generation | null;

  beforeEach(() => {
    bucket = new Bucket();
    current = null;
  });

  /** Packages and evaluates a version. */
  function version(
    name: string,
    { verdict = 'pass', against = current?.production.version ?? null, hash = '' } = {},
  ): ServedVersion {
    const artifactKey = `${Key.version('churn', name)}manifest.json`;
    const artifactHash = sha256(bucket.put(artifactKey, { version: name }));
    bucket.put(`${Key.version('churn', name)}evaluation.json`, {
      gate: { verdict },
      artifactHash: hash || artifactHash,
      champion: against && { version: against },
    });
    return { version: name, artifactKey, sha256: artifactHash };
  }

  const decision = (kind: ReleaseDecision['kind'], name: string, weight?: number): ReleaseDecision => ({
    id: `${kind}/${name}`,
    kind,
    version: name,
    by: 'me',
    ...(weight !== undefined && { weight }),
  });

  async function decide(asked: ReleaseDecision): Promise<string> {
    const choice = await choose(bucket.store, 'churn', asked, current);
    current = nextGeneration(
      'churn',
      { decision: asked, before: current, ...choice },
      '2026-11-21T00:00:00Z',
    );
    bucket.put(Key.generation('churn', current.n), current);
    return current.production.version;
  }

  async function promote(...names: string[]): Promise<void> {
    for (const name of names) {
      version(name);
      await decide(decision('promote', name));
    }
  }

  it('goes back one version a rollback, and never forth to a version that was left', async () => {
    await promote('churn-v1.0.0', 'churn-v1.1.0', 'churn-v1.2.0');
    expect(await decide(decision('rollback', 'churn-v1.2.0'))).toBe('churn-v1.1.0');
    expect(await decide(decision('rollback', 'churn-v1.1.0'))).toBe('churn-v1.0.0');
    await expect(decide(decision('rollback', 'churn-v1.0.0'))).rejects.toThrow('nothing to go back to');
  });

  it('goes back past generations that changed no Production', async () => {
    await promote('churn-v1.0.0', 'churn-v1.1.0');
    version('churn-v1.2.0');
    await decide(decision('route', 'churn-v1.2.0', 0.1));
    await decide(decision('withdraw', 'churn-v1.2.0'));
    expect(await decide(decision('rollback', 'churn-v1.1.0'))).toBe('churn-v1.0.0');
  });

  it('goes back to what a version that was promoted again came after', async () => {
    await promote('churn-v1.0.0', 'churn-v1.1.0', 'churn-v1.0.0');
    expect(await decide(decision('rollback', 'churn-v1.0.0'))).toBe('churn-v1.1.0');
  });

  it.each([
    [
      'a verdict short of a pass',
      () => version('churn-v1.1.0', { verdict: 'inconclusive' }),
      'its verdict is inconclusive',
    ],
    [
      'another artifact than was evaluated',
      () => version('churn-v1.1.0', { hash: 'abc' }),
      'but abc was evaluated',
    ],
    [
      'a verdict won against a champion that serves no more',
      () => version('churn-v1.1.0', { against: 'churn-v0.9.0' }),
      'judged against churn-v0.9.0',
    ],
    [
      'a first version’s verdict where something serves',
      () => version('churn-v1.1.0', { against: null }),
      'judged against nothing',
    ],
    ['a version that nobody packaged', () => undefined, 'no version churn-v1.1.0'],
  ])('refuses %s', async (_, prepare, reason) => {
    await promote('churn-v1.0.0');
    prepare();
    await expect(choose(bucket.store, 'churn', decision('promote', 'churn-v1.1.0'), current)).rejects.toThrow(
      reason,
    );
  });

  it('lets one candidate be rolled out at a time, and takes off only the one it is told', async () => {
    await promote('churn-v1.0.0');
    version('churn-v1.1.0');
    version('churn-v1.2.0');
    await decide(decision('route', 'churn-v1.1.0', 0));
    await expect(decide(decision('route', 'churn-v1.2.0', 0))).rejects.toThrow(
      'churn-v1.1.0 is being rolled out',
    );
    await expect(decide(decision('promote', 'churn-v1.2.0'))).rejects.toThrow(
      'churn-v1.1.0 is being rolled out',
    );
    await expect(decide(decision('withdraw', 'churn-v1.2.0'))).rejects.toThrow('no such candidate');
    expect(await decide(decision('promote', 'churn-v1.1.0'))).toBe('churn-v1.1.0');
  });

  it('leaves only the version that is Production', async () => {
    await promote('churn-v1.0.0', 'churn-v1.1.0');
    await expect(decide(decision('rollback', 'churn-v1.0.0'))).rejects.toThrow(
      'but churn-v1.1.0 is Production',
    );
  });
});
