import { ErrorCode, MeridianError, type FieldProblem, problemText } from '../../contracts/errors';
import { mask } from '../../contracts/masking';
import { decisive } from '../../contracts/scoring';
import type { OnlineVariant } from './serving-model';
import { internal, type Work } from './work';

/** Every row without an error is answered, all of them together. */
export async function scoreRows(variant: OnlineVariant, works: readonly Work[]): Promise<void> {
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
      if (work.row.explain) explain(work, variant);
    } else {
      work.error = internal(version, `the graph answered ${decisive(prediction)}`);
    }
  });
}

function explain(work: Work, { artifact, version }: OnlineVariant): void {
  if (artifact.explain) {
    work.explanation = artifact.explain(work.features!);
    return;
  }
  work.prediction = null;
  work.error = new MeridianError(
    ErrorCode.InvalidInput,
    `${version}: cannot explain its answers; its training left no trees to explain them by. Ask without explain.`,
    [{ field: 'explain', found: 'true', expected: 'false, of a model that is no XGBoost model' }],
  );
}

/** Enough to mend a request by; a hostile one may have a hundred thousand. */
const MAX_PROBLEMS = 50;

function invalidFeatures(version: string, problems: readonly FieldProblem[]): MeridianError {
  const text = problems.slice(0, MAX_PROBLEMS).map(problemText);
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
