import { setTimeout as sleep } from 'node:timers/promises';
import { InferenceSession } from 'onnxruntime-node';
import { Key } from '../../contracts/ids';
import type { Log } from '../../platform/log';
import { INLINE } from '../../platform/onnx/session';
import { sha256, type ObjectStore } from '../../platform/s3';
import { layArtifact } from '../../tests/support/artifact-fixtures';
import { createStagedVersions, type StagedVersions } from './staged-versions';

describe('versions in Staging', () => {
  const { store: artifacts, served, objects } = layArtifact('model');
  const find = jest.fn(async (key: string) => {
    const body = objects.get(key);
    return body ? { body, etag: sha256(body) } : null;
  });
  const store = {
    ...artifacts,
    find,
    getJson: async () => ({ views: [], inputs: [] }),
  } as unknown as ObjectStore;
  const log = { info: () => undefined, error: () => undefined } as unknown as Log;
  const pointer = Key.stagingPointer('fixture');
  const looks = (): number => find.mock.calls.filter(([key]) => key === pointer).length;

  let staged: StagedVersions;
  let open: number;
  let loads: number;
  beforeEach(() => {
    [open, loads] = [0, 0];
    const create = InferenceSession.create.bind(InferenceSession) as (
      ...given: unknown[]
    ) => Promise<InferenceSession>;
    jest.spyOn(InferenceSession, 'create').mockImplementation(async (...given: unknown[]) => {
      const session = await create(...given);
      const release = session.release.bind(session);
      open += 1;
      loads += 1;
      return Object.assign(session, {
        release: async () => {
          open -= 1;
          await release();
        },
      });
    });
    find.mockClear();
    objects.set(pointer, Buffer.from(JSON.stringify({ staged: served })));
  });
  afterEach(() => {
    staged.stop();
    jest.restoreAllMocks();
  });
  const create = (times: { lookEveryMs?: number; idleMs?: number }) => {
    staged = createStagedVersions({ store, log, texts: INLINE, ...times });
  };

  it('are loaded once, whoever asks meanwhile, and looked for no oftener than said', async () => {
    create({ lookEveryMs: 60_000 });
    const all = await Promise.all(Array.from({ length: 5 }, () => staged.get('fixture')));
    expect(new Set(all).size).toBe(1);
    expect((await staged.get('fixture')).live).toMatchObject({ version: 'fixture-v1.0.0', mode: 'staging' });
    expect([looks(), loads]).toEqual([1, 1]);
  });

  it('are let go where nobody asks any more, and loaded again for whoever does', async () => {
    create({ idleMs: 40 });
    await staged.get('fixture');
    expect(open).toBe(1);
    const isOpen = (): boolean => open > 0;
    for (let n = 0; n < 100 && isOpen(); n += 1) await sleep(20);
    expect(open).toBe(0);
    await staged.get('fixture');
    expect([open, loads]).toEqual([1, 2]);
  });

  it('are fetched no second time where they cannot be loaded', async () => {
    create({ lookEveryMs: 0 });
    objects.set(pointer, Buffer.from(JSON.stringify({ staged: { ...served, sha256: 'other' } })));
    const refused = { code: 'ModelNotReady', retryable: false };
    await expect(staged.get('fixture')).rejects.toMatchObject(refused);
    const fetched = find.mock.calls.length - looks();
    await expect(staged.get('fixture')).rejects.toMatchObject(refused);
    expect(find.mock.calls.length - looks()).toBe(fetched);
    expect(looks()).toBe(2);
  });

  it.each(['not JSON', 'null', '{}'])('are not there where the pointer is %p', async (body) => {
    create({});
    objects.set(pointer, Buffer.from(body));
    await expect(staged.get('fixture')).rejects.toMatchObject({ code: 'ModelNotReady' });
  });
});
