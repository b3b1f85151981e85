import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { Key } from '../../contracts/ids';
import type { Generation, Variant } from '../../contracts/release';
import { sha256, type ObjectStore } from '../../platform/s3';
import { loadGeneration } from './serving-model';

const FILES = ['model.onnx', 'signature.json', 'baseline.json', 'golden.json'];
const FIXTURE = join(__dirname, '..', '..', 'platform', 'onnx', 'fixtures', 'model');

describe('loadGeneration', () => {
  const objects = new Map<string, Buffer>();
  const store = {
    uri: (key: string) => `s3://bucket/${key}`,
    find: async (key: string) => {
      const body = objects.get(key);
      return body ? { body, etag: sha256(body) } : null;
    },
    getJson: async (key: string) => {
      const body = objects.get(key);
      if (!body) throw new Error(`${key}: no such object`);
      return JSON.parse(body.toString()) as unknown;
    },
  } as unknown as ObjectStore;

  /** A version as the registry lays it down, with a declaration of its own. */
  const lay = (version: string, mode: Variant['mode']): Variant => {
    const folder = Key.version('fixture', version);
    const files: Record<string, object> = {};
    for (const file of FILES) {
      const body = readFileSync(join(FIXTURE, file));
      objects.set(folder + file, body);
      files[file] = { sha256: sha256(body), bytes: body.length };
    }
    const provenance = { declarationHash: version };
    const manifest = JSON.stringify({ formatVersion: 1, model: 'fixture', version, provenance, files });
    objects.set(`${folder}manifest.json`, Buffer.from(manifest));
    objects.set(Key.declaration('fixture', version), Buffer.from('{"views": [], "inputs": []}'));
    return {
      version,
      artifactKey: `${folder}manifest.json`,
      sha256: sha256(manifest),
      mode,
      weight: mode === 'live' ? 1 : 0,
    };
  };
  const generation = (...variants: Variant[]) =>
    ({ n: 1, model: 'fixture', variants, salt: 's' }) as unknown as Generation;

  let open: number;
  beforeEach(() => {
    open = 0;
    const create = InferenceSession.create.bind(InferenceSession) as (
      ...given: unknown[]
    ) => Promise<InferenceSession>;
    jest.spyOn(InferenceSession, 'create').mockImplementation(async (...given: unknown[]) => {
      const session = await create(...given);
      const release = session.release.bind(session);
      open += 1;
      return Object.assign(session, {
        release: async () => {
          open -= 1;
          await release();
        },
      });
    });
  });
  afterEach(() => jest.restoreAllMocks());

  it('opens each variant, and takes over what is open', async () => {
    const [live, shadow] = [lay('fixture-v1.0.0', 'live'), lay('fixture-v1.1.0', 'shadow')];
    const first = await loadGeneration(store, generation(live), []);
    const second = await loadGeneration(store, generation(live, shadow), first.variants);
    expect(second.variants.map(({ version }) => version)).toEqual(['fixture-v1.0.0', 'fixture-v1.1.0']);
    expect(second.live.artifact).toBe(first.live.artifact);
    expect(open).toBe(2);
  });

  it.each([
    ['file', `${Key.version('fixture', 'fixture-v1.1.0')}golden.json`],
    ['declaration', Key.declaration('fixture', 'fixture-v1.1.0')],
  ])('leaves nothing open where one variant lacks its %s', async (_, key) => {
    const [live, shadow] = [lay('fixture-v1.0.0', 'live'), lay('fixture-v1.1.0', 'shadow')];
    objects.delete(key);
    await expect(loadGeneration(store, generation(live, shadow), [])).rejects.toThrow('no such object');
    expect(open).toBe(0);
  });
});
