import type { FeatureRow, GoldenRow, TabularSignature } from '../../contracts/model';
import type { Explanation } from '../../contracts/scoring';
import { createExplainer, type Contributions } from '../trees/contributions';
import { readEnsemble } from '../trees/ensemble';
import type { ArtifactFiles } from './artifact-files';
import type { Encoder } from './encode';
import { readGolden } from './golden';

/** XGBoost's own JSON, which the training leaves beside the graph. */
const TREES = 'trees.json';

/** How far contributions may add up from the golden answer, as a probability or as a share of the number. */
const TOLERANCE = 1e-3;

export type Explain = (row: Readonly<Record<string, unknown>>) => Explanation;

/**
 * Explanations of a version whose training left its trees; null of any other.
 * @throws BadArtifact where the trees cannot be read, or do not add up to the first golden answer
 */
export function openExplanations(
  files: ArtifactFiles,
  signature: TabularSignature,
  encoder: Encoder,
): Explain | null {
  if (!files.manifest.files[TREES]) return null;
  const explain = explainerOf(files, encoder);
  const [golden] = readGolden<GoldenRow>(files).rows;
  const answer = answerOf(explain(encode(encoder, golden!.features)), signature);
  if (Math.abs(answer - golden!.expected) > TOLERANCE * Math.max(1, Math.abs(golden!.expected)))
    throw files.bad(
      TREES,
      `contributions that add up to ${answer}`,
      `${golden!.expected}, the first golden answer`,
    );
  return (row) => {
    const { base, values } = explain(encode(encoder, row as FeatureRow));
    const contributions = signature.inputs.map(({ name }, index) => [name, values[index]!] as const);
    return { base_value: base, contributions: Object.fromEntries(contributions) };
  };
}

function explainerOf(files: ArtifactFiles, encoder: Encoder): (row: Float32Array) => Contributions {
  try {
    return createExplainer(readEnsemble(files.json(TREES)), encoder.width);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw files.bad(TREES, cause.message, "XGBoost's JSON of boosted trees", cause);
  }
}

function encode(encoder: Encoder, row: FeatureRow): Float32Array {
  const encoded = new Float32Array(encoder.width);
  encoder.encode(row, encoded, 0);
  return encoded;
}

function answerOf({ base, values }: Contributions, { kind }: TabularSignature): number {
  const margin = values.reduce((sum, value) => sum + value, base);
  return kind === 'tabular-classifier' ? 1 / (1 + Math.exp(-margin)) : margin;
}
