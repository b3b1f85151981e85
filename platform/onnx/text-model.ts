import { setImmediate } from 'node:timers/promises';
import { Tensor } from 'onnxruntime-node';
import { DataType } from 'apache-arrow';
import type { Table } from 'apache-arrow';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import type { FieldProblem } from '../../contracts/errors';
import type { GoldenRows, TextGoldenRow, TextSignature } from '../../contracts/model';
import type { TextPrediction } from '../../contracts/scoring';
import { createTokenizer, type TextTokenizer } from '../text/tokenizer';
import { SIGNATURE, type ArtifactFiles } from './artifact-files';
import { difference, malformed, readGolden } from './golden';
import type { GoldenAnswer, LoadedVersion, OnBatch, RowAnswer, TextModel } from './loaded-model';
import { FILE as GRAPH, openGraph, type SessionHost } from './session';

/**
 * Tokens of one run, padding included; a longer text runs alone. MiniLM on one thread takes least time a text at 80 to 128: in runs of one
 * text 1.3 times as long (int8: 1.5 times), in runs of 800 tokens still more, as what is under way leaves the processor's cache.
 */
const RUN_TOKENS = 96;
/** Texts that fill more than one run, for the warm-up. */
const WARM_UP_TEXTS = 32;

/** @throws BadArtifact where signature, tokenizer and graph are not right. */
export async function openText(
  version: LoadedVersion,
  files: ArtifactFiles,
  signature: TextSignature,
  host: SessionHost,
): Promise<TextModel> {
  checkSignature(signature, files);
  const golden = readGolden<TextGoldenRow>(files);
  const tokenizer = openTokenizer(signature, files);
  const { classes, graph: names, tokenizer: tokens, inputs } = signature;
  const graph = await openGraph(
    files.body(GRAPH),
    {
      inputs: [names.ids, names.mask].map((name) => ({ name, type: 'int64', shape: ['rows', 'tokens'] })),
      output: { name: names.output, type: 'float32', shape: ['rows', classes.length] },
    },
    files.bad,
    host,
  );

  async function run(batch: readonly number[][]): Promise<Float32Array> {
    const { ids, mask } = toTensors(batch, tokens.padId);
    const { values, columns } = await graph.run({ [names.ids]: ids, [names.mask]: mask });
    if (columns !== classes.length || values.length !== batch.length * columns)
      throw files.bad(GRAPH, `${columns} probabilities a text`, `${classes.length}`);
    return values;
  }

  async function score(texts: readonly string[], onBatch?: OnBatch): Promise<Float32Array> {
    const encoded = texts.map((text) => tokenizer.encode(text));
    const scores = new Float32Array(texts.length * classes.length);
    let done = 0;
    for (const rows of batches(encoded)) {
      if (done > 0) await setImmediate();
      const values = await run(rows.map((row) => encoded[row]!));
      rows.forEach((row, index) => {
        const from = index * classes.length;
        scores.set(values.subarray(from, from + classes.length), row * classes.length);
      });
      done += rows.length;
      await onBatch?.(done);
    }
    return scores;
  }

  const toPrediction = (probabilities: Float32Array): TextPrediction => {
    let top = 0;
    probabilities.forEach((probability, index) => {
      if (probability > probabilities[top]!) top = index;
    });
    const scores = Object.fromEntries(classes.map((name, index) => [name, probabilities[index]!]));
    return { label: classes[top]!, scores };
  };

  async function answerGolden(row: number): Promise<GoldenAnswer<TextPrediction>> {
    const answer = await compareGolden(golden, row, signature, tokenizer, run);
    return { prediction: toPrediction(answer.probabilities), problem: answer.problem };
  }

  async function predictRows(rows: readonly Readonly<Record<string, unknown>>[]): Promise<RowAnswer[]> {
    const problems = rows.map((row) => problemsOf(row, inputs[0].name));
    const good = rows.filter((_, row) => problems[row]!.length === 0);
    const scores = await score(good.map((row) => row[inputs[0].name] as string));
    let next = 0;
    return problems.map((found): RowAnswer => {
      if (found.length > 0) return { prediction: null, problems: found };
      const from = next * classes.length;
      next += 1;
      return { prediction: toPrediction(scores.subarray(from, from + classes.length)), problems: null };
    });
  }

  return {
    ...version,
    kind: 'text-classifier',
    signature,
    inputs,
    goldenRows: golden.rows.length,
    answerGolden,
    predictRows,
    explain: null,
    score,
    scoreTable: (table, onBatch) => score(textsOf(table, inputs[0].name), onBatch),
    requestsOf: (table, rows) =>
      textsOf(table.slice(0, rows), inputs[0].name).map((text) => ({ [inputs[0].name]: text })),
    async warmUp() {
      const texts = golden.rows.map(({ text }) => text);
      await score(texts.slice(0, 1));
      await score(Array.from({ length: WARM_UP_TEXTS }, (_, row) => texts[row % texts.length]!));
    },
    release: () => graph.release(),
  };
}

function checkSignature({ inputs, classes, tokenizer }: TextSignature, { bad }: ArtifactFiles): void {
  if (inputs.length !== 1 || inputs[0].type !== 'text')
    throw bad(SIGNATURE, `inputs ${show(inputs)}`, 'one input of type text');
  if (!Array.isArray(classes) || classes.length < 2 || new Set(classes).size !== classes.length)
    throw bad(SIGNATURE, `classes ${show(classes)}`, 'at least two different classes');
  if (!Number.isInteger(tokenizer?.maxTokens) || !Number.isInteger(tokenizer.padId))
    throw bad(SIGNATURE, `tokenizer ${show(tokenizer)}`, 'files, maxTokens and padId');
}

function openTokenizer({ tokenizer }: TextSignature, files: ArtifactFiles): TextTokenizer {
  const definition = files.json<object>(tokenizer.file);
  const config = files.json<object>(tokenizer.config);
  try {
    return createTokenizer(definition, config, tokenizer.maxTokens);
  } catch (cause) {
    throw files.bad(
      tokenizer.file,
      `no tokenizer (${String(cause)})`,
      "a Hugging Face tokenizer's definition",
      cause,
    );
  }
}

/** Texts of like length together, so that little is padded; each batch within the bound of one run. */
function batches(encoded: readonly number[][]): number[][] {
  const order = encoded.map((_, row) => row).sort((a, b) => encoded[a]!.length - encoded[b]!.length);
  const all: number[][] = [];
  let open: number[] = [];
  for (const row of order) {
    // The newest is the longest: all of them are padded to it.
    const tokens = (open.length + 1) * encoded[row]!.length;
    if (open.length > 0 && tokens > RUN_TOKENS) open = [];
    if (open.length === 0) all.push(open);
    open.push(row);
  }
  return all;
}

function toTensors(batch: readonly number[][], padId: number): { ids: Tensor; mask: Tensor } {
  const longest = Math.max(...batch.map((ids) => ids.length));
  const ids = new BigInt64Array(batch.length * longest).fill(BigInt(padId));
  const mask = new BigInt64Array(batch.length * longest);
  batch.forEach((text, row) => {
    text.forEach((id, token) => {
      ids[row * longest + token] = BigInt(id);
      mask[row * longest + token] = 1n;
    });
  });
  const shape = [batch.length, longest];
  return { ids: new Tensor('int64', ids, shape), mask: new Tensor('int64', mask, shape) };
}

async function compareGolden(
  { rows, tolerance }: GoldenRows<TextGoldenRow>,
  row: number,
  { classes, tokenizer: { file } }: TextSignature,
  tokenizer: TextTokenizer,
  run: (batch: number[][]) => Promise<Float32Array>,
): Promise<{ probabilities: Float32Array; problem: GoldenAnswer<never>['problem'] }> {
  const none = new Float32Array(classes.length).fill(NaN);
  const { text, ids, expected } = (rows[row] ?? {}) as { [name in keyof TextGoldenRow]?: unknown };
  if (typeof text !== 'string')
    return { probabilities: none, problem: malformed(row, 'text', text, 'a text') };
  if (!Array.isArray(ids)) return { probabilities: none, problem: malformed(row, 'ids', ids, 'token ids') };
  if (!Array.isArray(expected) || expected.length !== classes.length) {
    const wanted = `${classes.length} probabilities`;
    return { probabilities: none, problem: malformed(row, 'expected', expected, wanted) };
  }
  const encoded = tokenizer.encode(text);
  const wrong =
    encoded.length === ids.length ? encoded.findIndex((id, at) => id !== ids[at]) : encoded.length;
  const same = encoded.length === ids.length && wrong < 0;
  if (!same) {
    const found = `ids ${show(encoded)} for golden row ${row}`;
    return { probabilities: none, problem: { file, found, expected: `ids ${show(ids)}` } };
  }
  const probabilities = await run([encoded]);
  return { probabilities, problem: difference(row, probabilities, expected as number[], tolerance) };
}

/** A request must be exactly the one text. */
function problemsOf(row: Readonly<Record<string, unknown>>, name: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (typeof row[name] !== 'string' || !Object.hasOwn(row, name)) {
    const found = Object.hasOwn(row, name) ? show(row[name]) : 'nothing';
    problems.push({ field: name, found, expected: 'text' });
  }
  for (const field of Object.keys(row)) {
    if (field !== name)
      problems.push({
        field,
        found: show(row[field]),
        expected: `no such feature; the model's feature is ${name}`,
      });
  }
  return problems;
}

function textsOf(table: Table, name: string): string[] {
  const column = table.getChild(name);
  const isText = column !== null && (DataType.isUtf8(column.type) || DataType.isLargeUtf8(column.type));
  if (!isText || column.nullCount > 0) {
    const found =
      column === null
        ? 'no such column'
        : isText
          ? `${column.nullCount} rows without a text`
          : String(column.type);
    const expected = 'a column of texts, one in every row';
    throw new MeridianError(
      ErrorCode.InvalidFeatures,
      `The table does not fit the model's inputs: ${name}: found ${found}, expected ${expected}.`,
      [{ field: name, found, expected }],
    );
  }
  return Array.from({ length: table.numRows }, (_, row) => column.get(row) as string);
}
