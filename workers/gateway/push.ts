import { ErrorCode, MeridianError, show, type FieldProblem, problemText } from '../../contracts/errors';
import type { PushFeatures } from '../../contracts/generated/types';
import { validatePushFeatures } from '../../contracts/generated/validators';
import type { FeatureView } from '../../contracts/model';
import { findProblems } from '../../contracts/validate';
import type { OnlineRow, OnlineStore, WriteResult } from '../../platform/online-store';
import type { Telemetry } from '../../platform/telemetry';
import type { FindVersions } from './published-views';
import { createRowReader } from './push-rows';

/** What a push came to in the newest version of its view; of the three counts each row is in one. */
export type PushAnswer = { view: string } & WriteResult;

/**
 * Writes the rows of a push (`PushFeatures`) to the online store, newest wins: all of them are checked before the first
 * is written. They go to every published version of the view that takes pushes: the newest must accept all of them, an
 * older one, which may still serve, gets those that have all of its features. A push that failed in the middle, or whose answer was lost, may be sent again as it is.
 * @throws MeridianError InvalidInput (no such view, a view that takes no pushes, a body of another shape),
 *   InvalidFeatures (rows that do not fit the view; nothing was written), DependencyUnavailable
 */
export type Push = (view: string, body: unknown) => Promise<PushAnswer>;

interface Dependencies {
  findVersions: FindVersions;
  online: Pick<OnlineStore, 'write'>;
  telemetry: Pick<Telemetry, 'count'>;
  now?: () => number;
}

export function createPush({ findVersions, online, telemetry, now = Date.now }: Dependencies): Push {
  return async (name, body) => {
    const versions = await findVersions(name);
    const newest = versions.at(-1)!;
    refuseUnlessPushed(newest);
    const pushed = versions.filter(({ push }) => push);
    const older = pushed.slice(0, -1);
    const { rows } = readEnvelope(body);
    const at = now();
    const read = readRows(newest, pushed, rows, at);
    const [result] = await Promise.all([
      online.write(newest, read),
      ...older.map((view) => online.write(view, acceptedRows(view, pushed, rows, at))),
    ]);
    for (const outcome of ['written', 'skipped', 'refused'] as const) {
      if (result[outcome] > 0) telemetry.count('feature.pushed', result[outcome], { view: name, outcome });
    }
    return { view: name, ...result };
  };
}

function refuseUnlessPushed({ name, push }: FeatureView): void {
  if (push) return;
  const expected = 'a view declared with `push: true`';
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `Feature view ${name} takes no pushes: expected ${expected}. Nothing was written. Declare it so and publish it, or ` +
      'deliver its values where it is computed from.',
    [{ field: 'view', found: show(name), expected }],
  );
}

/** The body is checked as it came: a copy through JSON would lose -0, and the infinity that 1e999 has become. */
function readEnvelope(body: unknown): PushFeatures {
  const problems = findProblems(validatePushFeatures, body);
  if (problems.length === 0) return body as PushFeatures;
  const bracketed = problems.map((problem) => ({
    ...problem,
    field: problem.field.replace(/^rows\.(\d+)/, 'rows[$1]'),
  }));
  throw refusal(ErrorCode.InvalidInput, 'The push', bracketed);
}

function readRows(
  newest: FeatureView,
  pushed: readonly FeatureView[],
  rows: PushFeatures['rows'],
  nowMs: number,
): OnlineRow[] {
  const problems: FieldProblem[] = [];
  const readRow = createRowReader(newest, pushed, nowMs);
  const read = rows.map((row, index) => readRow(row, `rows[${index}]`, problems));
  if (problems.length > 0)
    throw refusal(ErrorCode.InvalidFeatures, `${newest.name} v${newest.version}`, problems);
  return read;
}

/** Those of the rows that an older version accepts too. */
function acceptedRows(
  older: FeatureView,
  pushed: readonly FeatureView[],
  rows: PushFeatures['rows'],
  nowMs: number,
): OnlineRow[] {
  const readRow = createRowReader(older, pushed, nowMs);
  return rows.flatMap((row) => {
    const problems: FieldProblem[] = [];
    const read = readRow(row, 'row', problems);
    return problems.length > 0 ? [] : [read];
  });
}

/** Enough to mend a push by; a thousand rows may have many more. */
const MAX_PROBLEMS = 50;

function refusal(code: ErrorCode, what: string, problems: readonly FieldProblem[]): MeridianError {
  const shown = problems.slice(0, MAX_PROBLEMS);
  const text = shown.map(problemText);
  if (problems.length > shown.length) text.push(`and ${problems.length - shown.length} more`);
  return new MeridianError(code, `${what}: ${text.join('; ')}. Nothing was written.`, shown);
}
