import { posix } from 'node:path';
import type { Table } from 'apache-arrow';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import type { ArtifactManifest, Baseline, GoldenRows, TabularSignature } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import { sha256 } from '../s3';
import type { ObjectStore } from '../s3';
import { createEncoder } from './encode';
import type { Encoder } from './encode';
import { createTableEncoder } from './encode-table';
import { openGraph } from './session';
import type { Graph } from './session';

/** A version, checked and ready to score. */
export interface LoadedModel {
  readonly version: string;
  readonly signature: TabularSignature;
  readonly baseline: Baseline;
  /** Rows with the answer every loader must give for them; this one has given it. */
  readonly golden: GoldenRows;
  /** Where the version comes from, as its manifest says. */
  readonly provenance: ArtifactManifest['provenance'];
  /** Validates request rows and writes them as `score` takes them. */
  readonly encoder: Encoder;
  /**
   * Probability of the positive class for `count` encoded rows, which lie one after the other in `rows`. Blocks the
   * event loop while it computes (1.2 ms for 256 rows of 30 inputs).
   */
  score(rows: Float32Array, count: number): Promise<Float32Array>;
  /**
   * The same for every row of a table whose columns bear the inputs' names, in bounded batches.
   * @throws InvalidFeatures where columns are missing or of a wrong type.
   */
  scoreTable(table: Table, onBatch?: (rows: number) => Promise<void> | void): Promise<Float32Array>;
  /** Frees the graph's memory; no score may be in flight or follow. */
  release(): Promise<void>;
}

const TABLE_BATCH = 4096;
const REQUIRED = ['model.onnx', 'signature.json', 'baseline.json', 'golden.json'] as const;

/**
 * Loads a version: hashes checked (the manifest's against the generation, each file's against the manifest), graph
 * checked against the signature, golden rows reproduced.
 * @throws BadArtifact naming the file, what was found and what was expected; DependencyUnavailable (retryable) where
 * the store does not answer.
 */
export async function loadArtifact(
  store: Pick<ObjectStore, 'find' | 'uri'>,
  served: ServedVersion,
): Promise<LoadedModel> {
  const files = await fetchFiles(store, served);
  const signature = files.json<TabularSignature>('signature.json');
  checkSignature(signature, files.bad);
  const baseline = files.json<Baseline>('baseline.json');
  const golden = files.json<GoldenRows>('golden.json');
  const encoder = createEncoder(signature);
  const graph = await openChecked(files, signature);
  try {
    await reproduceGolden(golden, encoder, graph, files.bad);
  } catch (error) {
    await graph.release();
    throw error;
  }
  return {
    version: served.version,
    signature,
    baseline,
    golden,
    provenance: files.manifest.provenance,
    encoder,
    score: (rows, count) => graph.score(rows, count),
    scoreTable: (table, onBatch) => scoreTable(graph, signature, table, onBatch),
    release: () => graph.release(),
  };
}

type Complain = (file: string, found: string, expected: string, cause?: unknown) => MeridianError;

interface ArtifactFiles {
  manifest: ArtifactManifest;
  body(file: string): Buffer;
  json<T>(file: string): T;
  bad: Complain;
}

async function fetchFiles(
  store: Pick<ObjectStore, 'find' | 'uri'>,
  served: ServedVersion,
): Promise<ArtifactFiles> {
  const folder = posix.dirname(served.artifactKey);
  const bad: Complain = (file, found, expected, cause) =>
    new MeridianError(
      ErrorCode.BadArtifact,
      `${store.uri(`${folder}/${file}`)}: found ${found}, expected ${expected}. ` +
        `${served.version} must not serve; restore its files or register the training again.`,
      [],
      { cause },
    );
  const fetch = async (file: string, hash: string): Promise<Buffer> => {
    const object = await store.find(`${folder}/${file}`);
    if (!object) throw bad(file, 'no such object', `a file with sha256 ${hash}`);
    const found = sha256(object.body);
    if (found !== hash) throw bad(file, `${object.body.length} bytes with sha256 ${found}`, `sha256 ${hash}`);
    return object.body;
  };
  const manifestName = posix.basename(served.artifactKey);
  const manifest = parse<ArtifactManifest>(manifestName, await fetch(manifestName, served.sha256), bad);
  if (manifest.formatVersion !== 1 || manifest.version !== served.version) {
    throw bad(
      manifestName,
      `format ${manifest.formatVersion} of version ${manifest.version}`,
      `format 1 of version ${served.version}`,
    );
  }
  const named = Object.entries(manifest.files ?? {});
  for (const file of REQUIRED) {
    if (!named.some(([name]) => name === file))
      throw bad(manifestName, `no entry for ${file}`, `entries for ${REQUIRED.join(', ')}`);
  }
  const bodies = new Map(
    await Promise.all(named.map(async ([name, entry]) => [name, await fetch(name, entry.sha256)] as const)),
  );
  const body = (file: string): Buffer => bodies.get(file)!;
  return { manifest, body, bad, json: <T>(file: string) => parse<T>(file, body(file), bad) };
}

function parse<T>(file: string, body: Buffer, bad: Complain): T {
  try {
    return JSON.parse(body.toString('utf8')) as T;
  } catch (cause) {
    throw bad(file, `${body.length} bytes that are no JSON`, 'JSON', cause);
  }
}

function checkSignature(signature: TabularSignature, bad: Complain): void {
  if (signature.formatVersion !== 1)
    throw bad('signature.json', `formatVersion ${String(signature.formatVersion)}`, 'formatVersion 1');
  if (!Array.isArray(signature.inputs) || signature.inputs.length === 0)
    throw bad('signature.json', 'no inputs', 'at least one input');
  for (const { name, type, categories } of signature.inputs) {
    if (type !== 'number' && type !== 'boolean' && type !== 'category')
      throw bad('signature.json', `input ${name} of type ${String(type)}`, 'number, boolean or category');
    if (type === 'category' && !Array.isArray(categories))
      throw bad('signature.json', `input ${name} without categories`, 'the categories training saw');
  }
}

async function openChecked(files: ArtifactFiles, signature: TabularSignature): Promise<Graph> {
  let opened: Awaited<ReturnType<typeof openGraph>>;
  try {
    opened = await openGraph(files.body('model.onnx'), signature);
  } catch (cause) {
    throw files.bad('model.onnx', `a graph that does not load (${String(cause)})`, 'an ONNX graph', cause);
  }
  const [problem] = opened.problems;
  if (problem) {
    await opened.graph.release();
    throw files.bad('model.onnx', problem.found, problem.expected);
  }
  return opened.graph;
}

async function reproduceGolden(
  golden: GoldenRows,
  encoder: Encoder,
  graph: Graph,
  bad: Complain,
): Promise<void> {
  if (!Array.isArray(golden?.rows) || golden.rows.length === 0)
    throw bad('golden.json', 'no rows', 'at least one row');
  const { rows, tolerance } = golden;
  const encoded = new Float32Array(rows.length * encoder.width);
  rows.forEach((given, row) => {
    const features: unknown = given?.features;
    if (typeof features !== 'object' || features === null)
      throw bad('golden.json', `row ${row} with features ${show(features)}`, 'an object of feature values');
    if (typeof given.expected !== 'number')
      throw bad('golden.json', `row ${row} with expected ${show(given.expected)}`, 'a number');
    const [problem] = encoder.encode(given.features, encoded, row * encoder.width);
    if (problem) throw bad('golden.json', `row ${row}, ${problem.field}: ${problem.found}`, problem.expected);
  });
  const scores = await graph.score(encoded, rows.length);
  rows.forEach(({ expected }, row) => {
    const score = scores[row]!;
    // Written so that NaN counts as a difference.
    if (!(Math.abs(score - expected) <= tolerance))
      throw bad('model.onnx', `${score} for golden row ${row}`, `${expected} within ${tolerance}`);
  });
}

async function scoreTable(
  graph: Graph,
  signature: TabularSignature,
  table: Table,
  onBatch?: (rows: number) => Promise<void> | void,
): Promise<Float32Array> {
  const encode = createTableEncoder(signature, table);
  const scores = new Float32Array(table.numRows);
  const batch = new Float32Array(Math.min(TABLE_BATCH, table.numRows) * signature.inputs.length);
  for (let from = 0; from < table.numRows; from += TABLE_BATCH) {
    const to = Math.min(from + TABLE_BATCH, table.numRows);
    encode(from, to, batch);
    scores.set(await graph.score(batch, to - from), from);
    await onBatch?.(to);
  }
  return scores;
}
