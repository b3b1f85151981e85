import { ErrorCode, MeridianError, show, type FieldProblem } from './errors';
import type { ModelDeclaration, TuningDeclaration } from './generated/types';
import { hyperparameterText } from './hyperparameter';
import type { TrainingOutcome, TrainingSpecification } from './training';
import { MOST_OWN_HYPERPARAMETERS } from './training-rules';

export type { TuningDeclaration };

type Ranges = TuningDeclaration['ranges'];
type Range = Ranges[string];
export type HyperparameterValue = string | number | boolean;

const MAX_JOBS = 20;
const MAX_PARALLEL_JOBS = 4;
/** SageMaker's limits. To a trial's hyperparameters it adds one of its own, which names the objective. */
const MOST_NAMES = MOST_OWN_HYPERPARAMETERS - 1;
const LONGEST_VALUE = 256;

/** A declared search with its defaults filled in; null where nothing bounds or decides it. */
export interface Search extends Required<
  Pick<
    TuningDeclaration,
    'strategy' | 'objective' | 'ranges' | 'earlyStopping' | 'maxJobs' | 'maxParallelJobs'
  >
> {
  epochs: { min: number; max: number } | null;
  maxRuntimeSeconds: number | null;
  seed: number | null;
}

/** Everything a tuning job is made of. Its hash decides whether an existing job of the same name is ours. */
export interface TuningSpecification {
  /** What all trials have in common: their hyperparameters are those that are not searched. */
  training: TrainingSpecification;
  search: Search;
}

/** One training job of a search. */
export interface Trial {
  jobName: string;
  status: 'Completed' | 'Failed' | 'Stopped';
  /** What was searched, as the trial had it. */
  hyperparameters: Record<string, HyperparameterValue>;
  /** The last value of the objective; null where it wrote none. */
  objective: number | null;
  trainingSeconds: number;
  billableSeconds: number;
  /** ISO 8601. */
  startedAt: string;
  endedAt: string;
  failureReason: string | null;
}

/** `training/<tuning job>/trials.json`. */
export interface TrialReport {
  formatVersion: 1;
  tuningJob: string;
  objective: TuningDeclaration['objective'];
  /** The trial whose model goes on. */
  best: string;
  /** In the order in which they were begun. */
  trials: Trial[];
}

/** What a search came to; the outcome of its best trial carries it. */
export interface TuningSummary {
  jobName: string;
  /** S3 key of the {@link TrialReport}. */
  trialsKey: string;
  trials: Record<'completed' | 'failed' | 'stopped', number>;
  objective: TuningDeclaration['objective'] & { value: number };
  /** What was searched, as the best trial had it. */
  hyperparameters: Record<string, HyperparameterValue>;
}

/** The outcome of the best trial; its seconds are those of all trials together. */
export interface TuningOutcome extends TrainingOutcome {
  tuning: TuningSummary;
}

/** The signal by which the poll tells its run where the search is. */
export const TUNING_PROGRESS = 'tuningProgress';

/** Heartbeat details of the poll, and what the run shows meanwhile. */
export interface TuningProgress {
  phase: 'starting' | 'tuning' | 'stopping';
  jobName: string;
  seconds: number;
  trials: Record<'running' | 'completed' | 'failed' | 'stopped', number>;
  best: { jobName: string; value: number; hyperparameters: Record<string, HyperparameterValue> } | null;
}

/**
 * The search that a declaration asks for. Hyperparameters that are `fixed` are not searched.
 * @throws MeridianError InvalidInput where there is none, where it contradicts itself, or where nothing is left to search
 */
export function searchOf(
  { name, training }: Pick<ModelDeclaration, 'name' | 'training'>,
  fixed: readonly string[] = [],
): Search {
  const { tuning } = training;
  if (!tuning) {
    throw refusal(`${name} cannot be tuned`, [
      { field: 'training.tuning', found: 'nothing', expected: 'strategy, objective and ranges' },
    ]);
  }
  const problems = findTuningProblems(training);
  if (problems.length > 0) throw refusal(`declaration of ${name}`, problems);
  const ranges = Object.fromEntries(Object.entries(tuning.ranges).filter(([key]) => !fixed.includes(key)));
  if (Object.keys(ranges).length === 0) {
    const found = `every one of ${Object.keys(tuning.ranges).join(', ')}`;
    throw refusal(`${name} cannot be tuned`, [
      { field: 'hyperparameters', found, expected: 'at least one that is left to search' },
    ]);
  }
  const {
    strategy,
    objective,
    earlyStopping = false,
    epochs,
    maxRuntimeSeconds = null,
    seed = null,
  } = tuning;
  const combinations = countCombinations(ranges);
  const maxJobs = strategy === 'Grid' ? combinations : Math.min(tuning.maxJobs ?? MAX_JOBS, combinations);
  return {
    strategy,
    objective,
    ranges,
    earlyStopping,
    epochs: epochs ? { min: 1, ...epochs } : null,
    maxJobs,
    maxParallelJobs: Math.min(tuning.maxParallelJobs ?? MAX_PARALLEL_JOBS, maxJobs),
    maxRuntimeSeconds,
    seed,
  };
}

const refusal = (what: string, fields: FieldProblem[]): MeridianError =>
  new MeridianError(
    ErrorCode.InvalidInput,
    `${what}: ${fields.map((f) => `${f.field}: expected ${f.expected}, found ${f.found}`).join('; ')}. ` +
      'Nothing was done. Correct it, then start again.',
    fields,
  );

/** What no schema says of a declared search: where its parts contradict each other, or the rest of the declaration. */
export function findTuningProblems({
  tuning,
  metrics,
  hyperparameters,
}: Pick<ModelDeclaration['training'], 'tuning' | 'metrics' | 'hyperparameters'>): FieldProblem[] {
  if (!tuning) return [];
  const { objective, strategy, ranges, earlyStopping, epochs, maxJobs } = tuning;
  const at = (field: string, found: unknown, expected: string): FieldProblem => ({
    field: `training.tuning.${field}`,
    found: show(found),
    expected,
  });
  const problems = Object.entries(ranges).flatMap(([name, range]) =>
    rangeProblems(range).map((expected) => at(`ranges.${name}`, range, expected)),
  );
  const names = new Set([...Object.keys(hyperparameters), ...Object.keys(ranges)]);
  if (names.size > MOST_NAMES) {
    const expected = `with training.hyperparameters at most ${MOST_NAMES} names`;
    problems.push(at('ranges', `${names.size} names`, expected));
  }
  if (!metrics.some(({ name }) => name === objective.metric)) {
    const known = metrics.map(({ name }) => name).join(', ');
    problems.push(at('objective.metric', objective.metric, `one of training.metrics (${known})`));
  }
  if (strategy === 'Hyperband') {
    if (!epochs) problems.push(at('epochs', epochs, 'how many values of the objective a trial writes'));
    if (earlyStopping) problems.push(at('earlyStopping', true, 'false: Hyperband stops trials itself'));
  } else if (epochs) {
    problems.push(at('epochs', epochs, 'nothing: only Hyperband counts them'));
  }
  if (epochs?.min !== undefined && epochs.min >= epochs.max) {
    problems.push(at('epochs.min', epochs.min, `less than max (${epochs.max})`));
  }
  if (strategy === 'Grid') {
    if (maxJobs !== undefined) problems.push(at('maxJobs', maxJobs, 'nothing: Grid tries every combination'));
    for (const [name, range] of Object.entries(ranges))
      if (range.type !== 'categorical')
        problems.push(at(`ranges.${name}.type`, range.type, 'categorical: Grid has no other'));
  }
  return problems;
}

/** What was expected of a range that is none. */
function rangeProblems(range: Range): string[] {
  if (range.type === 'categorical') {
    const isLong = range.values.some((value) => hyperparameterText(value).length > LONGEST_VALUE);
    return isLong ? [`values of at most ${LONGEST_VALUE} characters as JSON`] : [];
  }
  const { type, min, max, scale } = range;
  const problems: string[] = [];
  if (min > max) problems.push('min not above max');
  if (type === 'integer' && !(Number.isInteger(min) && Number.isInteger(max))) {
    problems.push('whole numbers as bounds');
  }
  if (scale === 'logarithmic' && min <= 0) problems.push('min above 0, as a logarithmic scale needs');
  if (scale === 'reverse-logarithmic' && (type === 'integer' || min < 0 || max >= 1)) {
    problems.push('a continuous range within [0, 1), as a reverse-logarithmic scale needs');
  }
  return problems;
}

/** How many combinations there are; infinite with a continuous range that is not a point. */
const countCombinations = (ranges: Ranges): number =>
  Object.values(ranges).reduce((product, range) => product * countValues(range), 1);

function countValues(range: Range): number {
  if (range.type === 'categorical') return range.values.length;
  if (range.min === range.max) return 1;
  return range.type === 'integer' ? range.max - range.min + 1 : Number.POSITIVE_INFINITY;
}
