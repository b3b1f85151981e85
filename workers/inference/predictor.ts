import { performance } from 'node:perf_hooks';
import { ErrorCode, MeridianError, type FieldProblem } from '../../contracts/errors';
import { mask } from '../../contracts/masking';
import { decisive, type PredictOutcome, type Prediction, type PredictRow } from '../../contracts/scoring';
import type { CaptureSink } from './capture';
import type { EntityLookUp } from './entity-features';
import type { ModelPool } from './model-pool';
import { checkRow, type CheckedRow } from './predict-request';
import { entityKey } from './routing';
import { requireOnline, type OnlineModel, type OnlineVariant } from './serving-model';

/** The one way to a prediction, whichever way the request came in. */
export interface Predictor {
  /**
   * Answers in the order of the rows; a bad row gets its typed error and the good ones beside it are unharmed.
   * Never rejects. Latency is counted from `startedAt` (`performance.now()`).
   */
  predictMany(model: string, rows: readonly PredictRow[], startedAt?: number): Promise<PredictOutcome[]>;
}

/** A row on its way through: what is filled in decides what becomes of it. */
interface Work {
  row: PredictRow;
  checked: CheckedRow | null;
  stickyKey: string;
  variant: OnlineVariant | null;
  features: Record<string, unknown> | null;
  prediction: Prediction | null;
  error: MeridianError | null;
}

interface Dependencies {
  pool: Pick<ModelPool, 'get'>;
  lookUp: EntityLookUp;
  capture: CaptureSink;
}

export function createPredictor({ pool, lookUp, capture }: Dependencies): Predictor {
  async function answer(serving: OnlineModel, works: readonly Work[]): Promise<void> {
    const byVariant = new Map<OnlineVariant, Work[]>();
    for (const work of works) {
      if (work.error) continue;
      const variant = (work.variant = serving.route(work.stickyKey));
      const group = byVariant.get(variant);
      if (group) group.push(work);
      else byVariant.set(variant, [work]);
    }
    for (const [variant, group] of byVariant) await scoreOn(variant, group);
  }

  async function scoreOn(variant: OnlineVariant, works: readonly Work[]): Promise<void> {
    await resolveEntities(variant, works);
    await scoreRows(variant, works);
  }

  async function resolveEntities(variant: OnlineVariant, works: readonly Work[]): Promise<void> {
    const wanting = works.filter((work) => work.checked!.entity);
    if (wanting.length === 0) return;
    const found = await lookUp(
      variant.declaration,
      wanting.map((work) => work.checked!.entity!),
    );
    wanting.forEach((work, index) => {
      const features = found[index]!;
      if (features instanceof MeridianError) work.error = features;
      else work.features = features;
    });
  }

  /** The same rows once more on every shadow, after the callers have their answers. */
  async function scoreShadows(
    serving: OnlineModel,
    answered: readonly Work[],
    startedAt: number,
  ): Promise<void> {
    for (const shadow of serving.shadows) {
      const works = answered.filter((work) => work.checked).map(shadowOf(shadow));
      await scoreOn(shadow, works);
      record(serving, works, startedAt);
    }
  }

  function record(serving: OnlineModel, works: readonly Work[], startedAt: number): PredictOutcome[] {
    const latency = elapsed(startedAt);
    const time = Date.now();
    return works.map((work) => {
      capture.add({
        serving,
        variant: work.variant,
        requestId: work.row.requestId,
        time,
        entity: work.checked?.entity ?? null,
        features: work.features,
        prediction: work.prediction,
        latencyMs: latency,
        error: work.error?.code ?? null,
      });
      return toOutcome(work, latency);
    });
  }

  return {
    async predictMany(model, rows, startedAt = performance.now()) {
      let serving: OnlineModel;
      try {
        serving = requireOnline(pool.get(model));
      } catch (error) {
        return rows.map((row) => failure(row, error as MeridianError));
      }
      const works = rows.map(toWork);
      try {
        await answer(serving, works);
      } catch (cause) {
        for (const work of works) if (work.prediction === null) work.error ??= internal(serving.name, cause);
      }
      const outcomes = record(serving, works, startedAt);
      if (serving.shadows.length > 0) {
        setImmediate(() => {
          const begun = performance.now();
          scoreShadows(serving, works, begun).catch(() => capture.drop(works.length));
        });
      }
      return outcomes;
    },
  };
}

function toWork(row: PredictRow): Work {
  const checked = checkRow(row);
  const work: Work = {
    row,
    checked: null,
    stickyKey: row.requestId,
    variant: null,
    features: null,
    prediction: null,
    error: null,
  };
  if (checked instanceof MeridianError) {
    work.error = checked;
  } else {
    work.checked = checked;
    work.features = checked.features;
    if (checked.entity) work.stickyKey = entityKey(checked.entity);
  }
  return work;
}

const shadowOf =
  (variant: OnlineVariant) =>
  (work: Work): Work => ({
    ...work,
    variant,
    features: work.checked!.features,
    prediction: null,
    error: null,
  });

/** Every row without an error is answered, all of them together. */
async function scoreRows(variant: OnlineVariant, works: readonly Work[]): Promise<void> {
  const { artifact, version } = variant;
  const asked = works.filter((work) => !work.error);
  if (asked.length === 0) return;
  const answers = await artifact.predictRows(asked.map((work) => work.features!));
  asked.forEach((work, index) => {
    const { prediction, problems } = answers[index]!;
    if (problems) {
      work.error = invalidFeatures(version, maskProblems(problems, work.features!, variant));
      work.features = null;
    } else if (Number.isFinite(decisive(prediction))) {
      work.prediction = prediction;
    } else {
      work.error = internal(version, `the graph answered ${decisive(prediction)}`);
    }
  });
}

/** Enough to mend a request by; a hostile one may have a hundred thousand. */
const MAX_PROBLEMS = 50;

function invalidFeatures(version: string, problems: readonly FieldProblem[]): MeridianError {
  const text = problems
    .slice(0, MAX_PROBLEMS)
    .map(({ field, found, expected }) => `${field}: expected ${expected}, found ${found}`);
  if (problems.length > text.length) text.push(`and ${problems.length - text.length} more`);
  return new MeridianError(
    ErrorCode.InvalidFeatures,
    `${version}: ${text.join('; ')}.`,
    problems.slice(0, MAX_PROBLEMS),
  );
}

/**
 * Errors lie in histories and logs: what was found in a personal input, or in one that nobody declared, is masked. What
 * is not shown stays as it is.
 */
function maskProblems(
  problems: readonly FieldProblem[],
  features: Readonly<Record<string, unknown>>,
  { artifact, personal }: OnlineVariant,
): FieldProblem[] {
  const known = new Set(artifact.inputs.map(({ name }) => name));
  return problems.map((problem, index) => {
    const { field } = problem;
    const open = known.has(field) && !personal.inputs.has(field);
    if (open || index >= MAX_PROBLEMS || !Object.hasOwn(features, field)) return problem;
    return { ...problem, found: mask(features[field]) };
  });
}

const elapsed = (since: number): number => Math.round((performance.now() - since) * 1000) / 1000;

function toOutcome(work: Work, latency: number): PredictOutcome {
  if (work.error) return failure(work.row, work.error);
  return {
    ok: true,
    prediction: work.prediction!,
    model_version: work.variant!.version,
    latency_ms: latency,
  };
}

function failure(row: PredictRow, error: MeridianError): PredictOutcome {
  const { code, message, fields } = error;
  return { ok: false, error: { code, message, fields, request_id: row.requestId } };
}

function internal(what: string, cause: unknown): MeridianError {
  return new MeridianError(
    ErrorCode.InternalError,
    `${what}: the prediction failed (${cause instanceof Error ? cause.message : String(cause)}). Try again; if it lasts, look at the worker's log.`,
    [],
    { cause },
  );
}
