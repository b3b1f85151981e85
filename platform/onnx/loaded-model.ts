import type { Table } from 'apache-arrow';
import type { FieldProblem } from '../../contracts/errors';
import type {
  ArtifactManifest,
  Baseline,
  FeatureRow,
  ModelKind,
  ModelSignature,
  SeriesSignature,
  TabularSignature,
  TextSignature,
} from '../../contracts/model';
import type { Explanation, Prediction, SeriesPrediction } from '../../contracts/scoring';
import type { Encoder } from './encode';
import type { SeriesWindows } from './series-windows';

/** A version, checked and ready to score: what it can do depends on its kind. */
export type LoadedModel = RowModel | SeriesModel;
/** A model that answers rows of features. */
export type RowModel = TabularModel | TextModel;

/** What a version has whatever its kind. */
export interface LoadedVersion {
  readonly version: string;
  readonly baseline: Baseline;
  /** Size of `model.onnx`. */
  readonly graphBytes: number;
  /** Where the version comes from, as its manifest says. */
  readonly provenance: ArtifactManifest['provenance'];
}

interface Loaded<Kind extends ModelKind, Signature extends ModelSignature, Answer> extends LoadedVersion {
  readonly kind: Kind;
  readonly signature: Signature;
  /** How many golden rows it has: rows with the answer that every loader must give, and this one has given. */
  readonly goldenRows: number;
  /** Answers a golden row again. */
  answerGolden(row: number): Promise<GoldenAnswer<Answer>>;
  /** Runs the graph in every size that requests come in: a session's first run of a size allocates. */
  warmUp(): Promise<void>;
  /** Frees the graph's memory; no score may be in flight or follow. */
  release(): Promise<void>;
}

interface AnswersRows {
  /** What a row is made of, in the order in which captures keep it. */
  readonly inputs: readonly { name: string; type: 'number' | 'boolean' | 'category' | 'text' }[];
  /** Answers each row, or says everything that is wrong with it. Blocks the event loop while the graph computes. */
  predictRows(rows: readonly Readonly<Record<string, unknown>>[]): Promise<RowAnswer[]>;
  /**
   * What each input did to the answer of a row that `predictRows` finds no problem with; null of a model that cannot tell.
   * Blocks the event loop (1 ms for some hundred shallow trees).
   */
  readonly explain: ((row: Readonly<Record<string, unknown>>) => Explanation) | null;
  /** The table's first rows as requests bring them. */
  requestsOf(table: Table, rows: number): FeatureRow[];
}

export interface TabularModel
  extends Loaded<'tabular-classifier' | 'tabular-regressor', TabularSignature, Prediction>, AnswersRows {
  /** Validates request rows and writes them as `score` takes them. */
  readonly encoder: Encoder;
  /**
   * A number a row for `count` encoded rows, which lie one after the other in `rows`: the probability of the positive
   * class, or what a regressor predicts. Blocks the event loop while it computes (1.2 ms for 256 rows of 30 inputs).
   */
  score(rows: Float32Array, count: number): Promise<Float32Array>;
  /**
   * The same for every row of a table whose columns bear the inputs' names, in bounded batches.
   * @throws InvalidFeatures where columns are missing or of a wrong type.
   */
  scoreTable(table: Table, onBatch?: OnBatch): Promise<Float32Array>;
}

export interface TextModel extends Loaded<'text-classifier', TextSignature, Prediction>, AnswersRows {
  /** Probabilities of all classes, text after text. In bounded batches, the event loop turning between them. */
  score(texts: readonly string[], onBatch?: OnBatch): Promise<Float32Array>;
  /**
   * The same for every row of a table with a column of the input's name.
   * @throws InvalidFeatures where there is none, or one that has no text in a row.
   */
  scoreTable(table: Table, onBatch?: OnBatch): Promise<Float32Array>;
}

export interface SeriesModel extends Loaded<'metric-anomaly', SeriesSignature, SeriesPrediction> {
  /** A score a window; above 1 is anomalous. In bounded batches. */
  score(windows: SeriesWindows, onBatch?: OnBatch): Promise<Float32Array>;
}

/** Awaited after each batch, with the rows done: where a long run heartbeats and may be cancelled. */
export type OnBatch = (rows: number) => Promise<void> | void;

export type RowAnswer =
  { prediction: Prediction; problems: null } | { prediction: null; problems: FieldProblem[] };

/** `problem` where the answer is not the golden one. */
export interface GoldenAnswer<Answer> {
  prediction: Answer;
  problem: GoldenProblem | null;
}

export interface GoldenProblem {
  /** The file that is to blame. */
  file: string;
  found: string;
  expected: string;
}
