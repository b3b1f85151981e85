import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { StagingPointer } from '../../contracts/release';
import type { Log } from '../../platform/log';
import type { SessionHost } from '../../platform/onnx/session';
import type { ObjectStore } from '../../platform/s3';
import { release, retire } from './retire';
import { loadStaged, type RoutedModel } from './serving-model';

/** The versions in Staging: loaded when they are first asked for, let go after a while unasked. */
export interface StagedVersions {
  /** @throws ModelNotReady where no version is in Staging or it cannot be loaded; DependencyUnavailable */
  get(model: string): Promise<RoutedModel>;
  stop(): void;
}

interface Options {
  store: ObjectStore;
  log: Log;
  /** Where graphs of text run. */
  texts: SessionHost;
  /** How long the pointer is taken to stand where it was last seen. */
  lookEveryMs?: number;
  /** How long a version is kept that nobody asks for; longer than any request lasts. */
  idleMs?: number;
}

interface Entry {
  /** ETag of the pointer that `loaded` follows. */
  etag: string | null;
  loaded: RoutedModel | null;
  /** Why the version could not be loaded; null where it could. */
  problem: MeridianError | null;
  lookedAt: number;
  askedAt: number;
  /** A look under way, which all who ask share. */
  looking: Promise<void> | null;
}

export function createStagedVersions({
  store,
  log,
  texts,
  lookEveryMs = 1000,
  idleMs = 600_000,
}: Options): StagedVersions {
  const entries = new Map<string, Entry>();
  const timer = setInterval(letGo, idleMs / 4);
  timer.unref();

  async function look(model: string, entry: Entry): Promise<void> {
    const found = await store.find(Key.stagingPointer(model));
    const etag = found?.etag ?? null;
    // What is no outage will not mend by itself: such a version is not fetched again.
    if (etag !== entry.etag || entry.problem?.retryable) {
      const superseded = entry.loaded;
      entry.etag = etag;
      entry.loaded = null;
      entry.problem = null;
      if (superseded) retire([superseded.live]);
      if (found) await load(model, entry, found.body);
    }
    entry.lookedAt = Date.now();
  }

  async function load(model: string, entry: Entry, pointer: Buffer): Promise<void> {
    try {
      const { staged } = JSON.parse(pointer.toString('utf8')) as StagingPointer;
      if (!staged) return;
      entry.loaded = await loadStaged(store, model, staged, texts);
      log.info({ model, version: staged.version }, 'loaded from Staging');
    } catch (cause) {
      entry.problem = unusable(model, cause);
      log.error({ model, problem: entry.problem.message }, 'Staging refused');
    }
  }

  function letGo(): void {
    const since = Date.now() - idleMs;
    for (const [model, { loaded, askedAt, looking }] of entries) {
      if (looking || askedAt > since) continue;
      entries.delete(model);
      if (!loaded) continue;
      release([loaded.live]);
      log.info({ model, version: loaded.live.version }, 'let go of what is in Staging: nobody asks for it');
    }
  }

  return {
    async get(model) {
      let entry = entries.get(model);
      if (!entry) {
        entry = { etag: null, loaded: null, problem: null, lookedAt: 0, askedAt: 0, looking: null };
        entries.set(model, entry);
      }
      const asked = entry;
      asked.askedAt = Date.now();
      if (asked.looking || asked.askedAt - asked.lookedAt >= lookEveryMs) {
        asked.looking ??= look(model, asked).finally(() => {
          asked.looking = null;
        });
        await asked.looking;
      }
      if (asked.loaded) return asked.loaded;
      if (asked.problem) throw asked.problem;
      throw noneStaged(model);
    },
    stop: () => clearInterval(timer),
  };
}

/** An outage is told as it is; whatever else is wrong, the version is not there to be asked. */
function unusable(model: string, cause: unknown): MeridianError {
  if (cause instanceof MeridianError && cause.retryable) return cause;
  return new MeridianError(
    ErrorCode.ModelNotReady,
    `${model}: the version in Staging cannot be loaded (${String(cause)}). Train another, or ask without stage for what serves.`,
    [{ field: 'stage', found: 'staging', expected: 'a stage whose version can be loaded' }],
    { cause, retryable: false },
  );
}

function noneStaged(model: string): MeridianError {
  return new MeridianError(
    ErrorCode.ModelNotReady,
    `${model}: no version is in Staging. Train one, or ask without stage for what serves.`,
    [{ field: 'stage', found: 'staging', expected: 'a stage that a version is in' }],
  );
}
