import { Tensor } from 'onnxruntime-node';
import type { Table } from 'apache-arrow';
import type {
  FeatureRow,
  FeatureValue,
  GoldenRow,
  GoldenRows,
  TabularSignature,
} from '../../contracts/model';
import { SIGNATURE, type ArtifactFiles, type Complain } from './artifact-files';
import { createEncoder } from './encode';
import type { Encoder } from './encode';
import { createTableEncoder } from './encode-table';
import { difference, GOLDEN, malformed, readGolden } from './golden';
import { openExplanations } from './explanations';
import type { GoldenAnswer, LoadedVersion, OnBatch, RowAnswer, TabularModel } from './loaded-model';
import { FILE as GRAPH, openGraph } from './session';

const TABLE_BATCH = 4096;
/** A lone request, and as many rows as an update of a scorer brings. */
const WARM_UP = [1, 64];

/** @throws BadArtifact where signature and graph are not right. */
export async function openTabular(
  version: LoadedVersion,
  files: ArtifactFiles,
  signature: TabularSignature,
): Promise<TabularModel> {
  checkInputs(signature, files.bad);
  const golden = readGolden<GoldenRow>(files);
  const { kind, inputs, graph: names } = signature;
  const encoder = createEncoder(signature);
  const explain = openExplanations(files, signature, encoder);
  const graph = await openGraph(
    files.body(GRAPH),
    {
      inputs: [{ name: names.input, type: 'float32', shape: ['rows', inputs.length] }],
      output: { name: names.output, type: 'float32', shape: ['rows', 'columns'] },
    },
    files.bad,
  );

  async function score(rows: Float32Array, count: number): Promise<Float32Array> {
    const tensor = new Tensor('float32', rows.subarray(0, count * encoder.width), [count, encoder.width]);
    const { values, columns } = await graph.run({ [names.input]: tensor });
    // A column that is not there is no answer.
    const at = names.positiveColumn < columns ? names.positiveColumn : NaN;
    return Float32Array.from({ length: count }, (_, row) => values[row * columns + at] ?? NaN);
  }

  return {
    ...version,
    kind,
    signature,
    inputs,
    encoder,
    score,
    goldenRows: golden.rows.length,
    answerGolden: (row) => answerGolden(golden, row, encoder, score),
    predictRows: (rows) => predictRows(rows, encoder, score),
    explain,
    requestsOf: (table, rows) => requestsOf(signature, table, rows),
    scoreTable: (table, onBatch) => scoreTable(signature, table, score, onBatch),
    async warmUp() {
      for (const rows of WARM_UP) await score(new Float32Array(rows * encoder.width), rows);
    },
    release: () => graph.release(),
  };
}

type Score = TabularModel['score'];

function checkInputs({ inputs }: TabularSignature, bad: Complain): void {
  for (const { name, type, categories } of inputs) {
    if (type !== 'number' && type !== 'boolean' && type !== 'category')
      throw bad(SIGNATURE, `input ${name} of type ${String(type)}`, 'number, boolean or category');
    if (type === 'category' && !Array.isArray(categories))
      throw bad(SIGNATURE, `input ${name} without categories`, 'the categories training saw');
  }
}

async function answerGolden(
  { rows, tolerance }: GoldenRows,
  row: number,
  encoder: Encoder,
  score: Score,
): Promise<GoldenAnswer<number>> {
  const { features, expected } = (rows[row] ?? {}) as { features?: unknown; expected?: unknown };
  if (typeof features !== 'object' || features === null)
    return { prediction: NaN, problem: malformed(row, 'features', features, 'an object of feature values') };
  if (typeof expected !== 'number')
    return { prediction: NaN, problem: malformed(row, 'expected', expected, 'a number') };
  const encoded = new Float32Array(encoder.width);
  const [wrong] = encoder.encode(features as FeatureRow, encoded, 0);
  if (wrong) {
    const found = `row ${row}, ${wrong.field}: ${wrong.found}`;
    return { prediction: NaN, problem: { file: GOLDEN, found, expected: wrong.expected } };
  }
  const answer = await score(encoded, 1);
  return { prediction: answer[0]!, problem: difference(row, answer, [expected], tolerance) };
}

/** Every row without a problem goes into one tensor and through one run of the graph. */
async function predictRows(
  rows: readonly Readonly<Record<string, unknown>>[],
  encoder: Encoder,
  score: Score,
): Promise<RowAnswer[]> {
  const encoded = new Float32Array(rows.length * encoder.width);
  let good = 0;
  const problems = rows.map((row) => {
    const found = encoder.encode(row, encoded, good * encoder.width);
    if (found.length === 0) good += 1;
    return found;
  });
  const scores = good > 0 ? await score(encoded, good) : null;
  let next = 0;
  return problems.map((found): RowAnswer => {
    if (found.length > 0) return { prediction: null, problems: found };
    const prediction = scores![next]!;
    next += 1;
    return { prediction, problems: null };
  });
}

async function scoreTable(
  signature: TabularSignature,
  table: Table,
  score: Score,
  onBatch?: OnBatch,
): Promise<Float32Array> {
  const encode = createTableEncoder(signature, table);
  const scores = new Float32Array(table.numRows);
  const batch = new Float32Array(Math.min(TABLE_BATCH, table.numRows) * signature.inputs.length);
  for (let from = 0; from < table.numRows; from += TABLE_BATCH) {
    const to = Math.min(from + TABLE_BATCH, table.numRows);
    encode(from, to, batch);
    scores.set(await score(batch, to - from), from);
    await onBatch?.(to);
  }
  return scores;
}

function requestsOf({ inputs }: TabularSignature, table: Table, rows: number): FeatureRow[] {
  const columns = inputs.map(({ name, type }) => ({ name, type, values: table.getChild(name)! }));
  return Array.from({ length: Math.min(rows, table.numRows) }, (_, row) =>
    Object.fromEntries(
      columns.map(({ name, type, values }): [string, FeatureValue] => {
        const value = values.get(row) as FeatureValue | bigint;
        return [name, type === 'number' && value !== null ? Number(value) : (value as FeatureValue)];
      }),
    ),
  );
}
