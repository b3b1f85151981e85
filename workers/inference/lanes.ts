import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { ModelDeclaration } from '../../contracts/model';
import type { EntityLookUp } from './entity-features';
import { Lane, type LaneLimits, type Waited } from './lane';
import type { ScoringMetrics } from './metrics';
import { scoreRows } from './score-rows';
import type { OnlineVariant } from './serving-model';
import { internal, type Work } from './work';

/** What a declaration leaves unsaid. */
const DEFAULTS = { maxBatch: 64, maxWaiting: 2000, maxWaitMs: 1000 };
/** Of texts: hardly more than go in one run of the graph, so that each is answered when its own run ends. */
const TEXTS_A_BATCH = 8;
/** Batches of a graph in this thread that may overlap: one computes while others look features up. */
const LOOK_UPS = 8;
/** How long a shadow waits for a quiet moment. */
const LOOKS = 200;
const LOOK_EVERY_MS = 5;

/** The queues of this worker: one for each graph, whichever generations and variants name it. */
export interface Lanes {
  /** Resolves once each work, all routed to this variant, has its answer or its error. */
  submit(variant: OnlineVariant, works: readonly Work[]): Promise<void>;
  /** Waits until no row is asked for; false where that lasts. For what may never delay an answer. */
  idle(): Promise<boolean>;
}

interface Dependencies {
  lookUp: EntityLookUp;
  metrics: Pick<ScoringMetrics, 'batch'>;
  /** Graphs of text that compute at a time. */
  slots: number;
}

export function createLanes({ lookUp, metrics, slots }: Dependencies): Lanes {
  const lanes = new WeakMap<OnlineVariant['artifact'], Lane<Work>>();
  let asked = 0;
  const isQuiet = (): boolean => asked === 0;

  async function answer(batch: readonly Waited<Work>[]): Promise<void> {
    const variant = batch[0]!.item.variant!;
    const works = batch.map(({ item }) => item);
    metrics.batch(variant, batch);
    try {
      expire(works);
      await resolveEntities(lookUp, variant, works);
      expire(works);
      await scoreRows(variant, works);
    } catch (cause) {
      for (const work of works) if (work.prediction === null) work.error ??= internal(variant.version, cause);
    }
  }

  function laneOf(variant: OnlineVariant): Lane<Work> {
    let lane = lanes.get(variant.artifact);
    if (!lane) {
      const isText = variant.artifact.kind === 'text-classifier';
      // Of texts one more than there are slots, so that the slot that is free first has its next batch at hand.
      const limits = { ...limitsOf(variant.declaration), inFlight: isText ? slots + 1 : LOOK_UPS };
      lane = new Lane(answer, refuse, limits, isText ? lengthOf : undefined);
      lanes.set(variant.artifact, lane);
    }
    return lane;
  }

  return {
    async submit(variant, works) {
      asked += 1;
      await laneOf(variant).submit(works);
      asked -= 1;
    },
    async idle() {
      for (let looks = 0; !isQuiet() && looks < LOOKS; looks += 1) await sleep(LOOK_EVERY_MS);
      return isQuiet();
    },
  };
}

/** The bounds of a model's queue, as declared or by default. */
export const limitsOf = ({ kind, serving }: ModelDeclaration): Omit<LaneLimits, 'inFlight'> => ({
  maxBatch: serving.maxBatch ?? (kind === 'text-classifier' ? TEXTS_A_BATCH : DEFAULTS.maxBatch),
  maxWaiting: serving.maxWaiting ?? DEFAULTS.maxWaiting,
  maxWaitMs: serving.maxWaitMs ?? DEFAULTS.maxWaitMs,
});

/** Characters of the text; 0 where it is yet to be looked up. */
function lengthOf({ features, variant }: Work): number {
  const text = features?.[variant!.artifact.inputs[0]!.name];
  return typeof text === 'string' ? text.length : 0;
}

async function resolveEntities(
  lookUp: EntityLookUp,
  { declaration }: OnlineVariant,
  works: readonly Work[],
): Promise<void> {
  const wanting = works.filter((work) => !work.error && work.checked!.entity);
  if (wanting.length === 0) return;
  const found = await lookUp(
    declaration,
    wanting.map((work) => work.checked!.entity!),
  );
  wanting.forEach((work, index) => {
    const features = found[index]!;
    if (features instanceof MeridianError) work.error = features;
    else work.features = features;
  });
}

function refuse(work: Work, reason: string): void {
  work.error = new MeridianError(
    ErrorCode.Overloaded,
    `${work.variant!.version}: ${reason}. Send less at a time, or try again in a moment.`,
  );
}

/** No work for a caller who has gone. */
function expire(works: readonly Work[]): void {
  const now = performance.now();
  for (const work of works) if (work.deadline < now) work.error ??= expired(work);
}

function expired({ variant }: Work): MeridianError {
  return new MeridianError(
    ErrorCode.DeadlineExceeded,
    `${variant!.version}: no answer before the deadline that the caller set. Give it more time, or try again.`,
  );
}
