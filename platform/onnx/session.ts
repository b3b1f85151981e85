import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { TabularSignature } from '../../contracts/model';

/** A graph ready to run: rows in, probabilities of the positive class out. */
export interface Graph {
  /** `rows` holds `count` encoded rows, one after the other. Blocks the event loop while it computes. */
  score(rows: Float32Array, count: number): Promise<Float32Array>;
  release(): Promise<void>;
}

/** A disagreement between the graph and its signature. */
export interface GraphProblem {
  found: string;
  expected: string;
}

/** One thread and no parallel operators: a short graph gains nothing from more, and spinning threads cost the neighbours. */
const OPTIONS: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
};

/** @throws the runtime's own error where the bytes are no graph it can run. */
export async function openGraph(
  model: Buffer,
  signature: TabularSignature,
): Promise<{ graph: Graph; problems: GraphProblem[] }> {
  const session = await InferenceSession.create(model, OPTIONS);
  const { input, output, positiveColumn } = signature.graph;
  const width = signature.inputs.length;
  const graph: Graph = {
    async score(rows, count) {
      const tensor = new Tensor('float32', rows.subarray(0, count * width), [count, width]);
      const answers = await session.run({ [input]: tensor }, [output]);
      const answer = answers[output]!;
      const values = answer.data as Float32Array;
      const columns = answer.dims[1] ?? 1;
      const scores = new Float32Array(count);
      for (let row = 0; row < count; row += 1) scores[row] = values[row * columns + positiveColumn]!;
      return scores;
    },
    release: () => session.release(),
  };
  return { graph, problems: disagreements(session, signature) };
}

function disagreements(session: InferenceSession, signature: TabularSignature): GraphProblem[] {
  const { input, output, positiveColumn } = signature.graph;
  const problems: GraphProblem[] = [];
  const inputs = session.inputMetadata.map(describe);
  const wantedInput = `${input} float32[rows, ${signature.inputs.length}]`;
  const only = session.inputMetadata[0];
  if (
    session.inputMetadata.length !== 1 ||
    only?.name !== input ||
    !only.isTensor ||
    only.type !== 'float32' ||
    only.shape.length !== 2 ||
    typeof only.shape[0] === 'number' ||
    only.shape[1] !== signature.inputs.length
  ) {
    problems.push({ found: `inputs ${inputs.join(', ')}`, expected: `one input ${wantedInput}` });
  }
  const wanted = session.outputMetadata.find((candidate) => candidate.name === output);
  const columns = wanted?.isTensor ? wanted.shape[1] : undefined;
  if (
    !wanted?.isTensor ||
    wanted.type !== 'float32' ||
    wanted.shape.length !== 2 ||
    (typeof columns === 'number' && columns <= positiveColumn)
  ) {
    problems.push({
      found: `outputs ${session.outputMetadata.map(describe).join(', ')}`,
      expected: `an output ${output} float32[rows, columns] with a column ${positiveColumn}`,
    });
  }
  return problems;
}

function describe(value: InferenceSession.ValueMetadata): string {
  return value.isTensor
    ? `${value.name} ${value.type}[${value.shape.map((size) => (typeof size === 'number' ? size : 'rows')).join(', ')}]`
    : `${value.name} (no tensor)`;
}
