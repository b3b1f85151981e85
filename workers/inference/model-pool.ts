import { ErrorCode, MeridianError } from '../../contracts/errors';
import { Key } from '../../contracts/ids';
import type { Generation, InferenceWorkerRecord, ReleasePointer } from '../../contracts/release';
import type { Log } from '../../platform/log';
import type { SessionHost } from '../../platform/onnx/session';
import type { ObjectStore } from '../../platform/s3';
import { retire } from './retire';
import { loadGeneration, type RoutedModel, type ServingModel, type ServingVariant } from './serving-model';
import { createStagedVersions } from './staged-versions';

/** The models this worker serves, kept in step with `serving/<model>/release.json`. */
export interface ModelPool {
  /** @throws UnknownModel where no such model is declared, ModelNotReady where it is but nothing serves it here yet. */
  get(model: string): ServingModel;
  /**
   * The version in Staging, loaded when it is first asked for, and kept while it goes on being asked for.
   * @throws UnknownModel; ModelNotReady where no version is in Staging, or it cannot be loaded; DependencyUnavailable
   */
  staged(model: string): Promise<RoutedModel>;
  all(): ServingModel[];
  /** Per model what is loaded, and why a newer generation is not. */
  status(): InferenceWorkerRecord['models'];
  /** Every released model is loaded, or refused for good. */
  ready(): boolean;
  /** Why the store could not be watched at the last try; null while it can. */
  trouble(): string | null;
  /** Looks at every pointer now, refused ones included. Calls that overlap share one look that began after they did. */
  reload(): Promise<void>;
  /** Looks every few seconds from now on. */
  watch(): void;
  stop(): void;
}

interface Options {
  store: ObjectStore;
  log: Log;
  /** Where graphs of text run. */
  texts: SessionHost;
  /** Called after every swap and whenever a problem appears or goes. */
  onChange?: () => void;
}

interface Slot {
  /** ETag of the pointer last acted upon. */
  etag: string | null;
  serving: ServingModel | null;
  /** Kept warm for a rollback. */
  previous: ServingModel | null;
  problem: string | null;
  /** Refused for good, as far as this pointer goes. */
  refused: boolean;
}

/** Releases are told through Redis; a look is for what was not heard, and holds up requests for some 10 ms. */
const WATCH_MS = 3000;

export function createModelPool({ store, log, texts, onChange }: Options): ModelPool {
  const slots = new Map<string, Slot>();
  const staged = createStagedVersions({ store, log, texts });
  let declared = new Set<string>();
  let looked = false;
  let trouble: string | null = null;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running: Promise<void> | null = null;
  let queued: Promise<void> | null = null;

  async function look(again: boolean): Promise<void> {
    const [released, models] = await Promise.all([
      store.listFolders('serving/'),
      store.listFolders('declarations/'),
    ]);
    declared = new Set(models);
    const failures: unknown[] = [];
    for (const model of released) {
      await follow(model, again).catch((error: unknown) => failures.push(error));
    }
    looked = true;
    if (failures.length > 0) throw failures[0];
  }

  async function follow(model: string, again: boolean): Promise<void> {
    const head = await store.head(Key.releasePointer(model));
    // A first version may be in Staging while nothing is released.
    if (!head) return;
    const slot = slotOf(model);
    if (head.etag === slot.etag && !(again && slot.refused)) return;
    const pointer = await store.getJson<ReleasePointer>(Key.releasePointer(model));
    try {
      await swap(slot, await store.getJson<Generation>(pointer.key));
      slot.problem = null;
      slot.refused = false;
    } catch (error) {
      slot.problem = error instanceof Error ? error.message : String(error);
      // What is no outage will not mend by itself: a worker must not wait for it before it serves other models.
      slot.refused = !(error instanceof MeridianError && error.retryable);
      log.error({ model, generation: pointer.generation, problem: slot.problem }, 'generation refused');
      onChange?.();
      if (!slot.refused) throw error;
      if (!slot.serving) await fallBack(slot, pointer);
    }
    slot.etag = head.etag;
  }

  async function swap(slot: Slot, generation: Generation): Promise<void> {
    if (slot.serving?.generation.n === generation.n) return;
    const next = await loadGeneration(store, generation, warm(slot), texts);
    const superseded = slot.previous;
    slot.previous = slot.serving;
    slot.serving = next;
    if (superseded) retire(idle(superseded, warm(slot)));
    log.info({ model: generation.model, generation: generation.n, version: next.live.version }, 'serving');
    onChange?.();
  }

  /** A worker that starts while the newest generation is bad serves the newest good one before it. */
  async function fallBack(slot: Slot, pointer: ReleasePointer): Promise<void> {
    let n = (await store.getJson<Generation>(pointer.key).catch(() => null))?.previous ?? null;
    const model = pointer.key.split('/')[1]!;
    while (n !== null && !slot.serving) {
      const generation: Generation = await store.getJson<Generation>(Key.generation(model, n));
      await swap(slot, generation).catch((error: unknown) =>
        log.error({ model, generation: generation.n, err: error }, 'generation refused'),
      );
      n = generation.previous;
    }
  }

  function slotOf(model: string): Slot {
    let slot = slots.get(model);
    if (!slot) {
      slot = { etag: null, serving: null, previous: null, problem: null, refused: false };
      slots.set(model, slot);
    }
    return slot;
  }

  function refuseUnknown(model: string): void {
    if (!slots.has(model) && !declared.has(model)) throw unknown(model, [...declared, ...slots.keys()]);
  }

  /** One look at a time; a call during a look gets the next one, which it shares with whoever else waits. */
  function refresh(again: boolean): Promise<void> {
    if (!running) {
      running = look(again).finally(() => {
        running = null;
      });
      return running;
    }
    queued ??= running
      .catch(() => undefined)
      .then(() => {
        queued = null;
        return refresh(true);
      });
    return queued;
  }

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => {
      refresh(false)
        .then(
          () => setTrouble(null),
          (error: unknown) => setTrouble(error instanceof Error ? error.message : String(error)),
        )
        .finally(schedule);
    }, WATCH_MS);
  }

  function setTrouble(next: string | null): void {
    if (next !== null && trouble === null)
      log.warn({ problem: next }, 'cannot watch the releases; serving on');
    trouble = next;
  }

  return {
    get(model) {
      const serving = slots.get(model)?.serving;
      if (serving) return serving;
      refuseUnknown(model);
      throw notReady(model, slots.get(model)?.problem);
    },
    async staged(model) {
      refuseUnknown(model);
      return staged.get(model);
    },
    all: () => [...slots.values()].flatMap((slot) => (slot.serving ? [slot.serving] : [])),
    status: () =>
      Object.fromEntries(
        [...slots].map(([model, slot]) => [
          model,
          {
            generation: slot.serving?.generation.n ?? 0,
            versions: slot.serving?.variants.map((variant) => variant.version) ?? [],
            problem: slot.problem,
          },
        ]),
      ),
    ready: () => looked && [...slots.values()].every((slot) => slot.serving !== null || slot.refused),
    trouble: () => trouble,
    reload: () => refresh(true),
    watch: schedule,
    stop() {
      stopped = true;
      clearTimeout(timer);
      staged.stop();
    },
  };
}

const warm = (slot: Slot): ServingVariant[] =>
  [slot.serving, slot.previous].flatMap((model) => model?.variants ?? []);

/** The variants of a superseded generation whose graphs nothing that is kept refers to. */
const idle = ({ variants }: ServingModel, kept: readonly ServingVariant[]): ServingVariant[] =>
  variants.filter((variant) => !kept.some(({ artifact }) => artifact === variant.artifact));

function notReady(model: string, problem: string | null | undefined): MeridianError {
  return new MeridianError(
    ErrorCode.ModelNotReady,
    `${model}: declared, but no Production version is loaded here yet${problem ? ` (${problem})` : ''}. ` +
      'Release a version, or try again once it is.',
  );
}

function unknown(model: string, known: string[]): MeridianError {
  const models = [...new Set(known)].sort();
  return new MeridianError(
    ErrorCode.UnknownModel,
    `${model}: no such model; known: ${models.length > 0 ? models.join(', ') : 'none yet'}.`,
    [
      {
        field: 'model',
        found: JSON.stringify(model),
        expected: models.length > 0 ? `one of ${models.join(', ')}` : 'a declared model',
      },
    ],
  );
}

/** Looks until every released model is loaded, or the process shuts down. */
export async function untilReady(pool: ModelPool, shutdown: AbortSignal): Promise<void> {
  while (!shutdown.aborted) {
    await pool.reload().catch(() => undefined);
    if (pool.ready()) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
