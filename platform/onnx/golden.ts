import { show } from '../../contracts/errors';
import type { GoldenRows } from '../../contracts/model';
import type { ArtifactFiles, Complain } from './artifact-files';
import type { GoldenAnswer, GoldenProblem } from './loaded-model';
import { FILE as GRAPH } from './session';

export const GOLDEN = 'golden.json';

/** @throws BadArtifact where there are no rows. */
export function readGolden<Row>(files: ArtifactFiles): GoldenRows<Row> {
  const golden = files.json<GoldenRows<Row> | null>(GOLDEN);
  if (!Array.isArray(golden?.rows) || golden.rows.length === 0)
    throw files.bad(GOLDEN, 'no rows', 'at least one row');
  return golden;
}

/**
 * Answers every golden row, each by itself as a lone request would be.
 * @throws BadArtifact naming the first row that is not answered as it must be.
 */
export async function reproduceGolden(
  model: { goldenRows: number; answerGolden(row: number): Promise<GoldenAnswer<unknown>> },
  bad: Complain,
): Promise<void> {
  for (let row = 0; row < model.goldenRows; row += 1) {
    const { problem } = await model.answerGolden(row);
    if (problem) throw bad(problem.file, problem.found, problem.expected);
  }
}

/** A row of `golden.json` that is not what such a row must be. */
export const malformed = (row: number, what: string, found: unknown, expected: string): GoldenProblem => ({
  file: GOLDEN,
  found: `row ${row} with ${what} ${show(found)}`,
  expected,
});

/** The first number that is off, if any; one that is NaN is. */
export function difference(
  row: number,
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): GoldenProblem | null {
  for (let index = 0; index < expected.length; index += 1) {
    const [score, wanted] = [found[index]!, expected[index]!];
    if (Math.abs(score - wanted) <= tolerance) continue;
    const place = expected.length > 1 ? `, output ${index}` : '';
    return {
      file: GRAPH,
      found: `${score} for golden row ${row}${place}`,
      expected: `${wanted} within ${tolerance}`,
    };
  }
  return null;
}
