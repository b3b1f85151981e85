import { InferenceSession, type Tensor } from 'onnxruntime-node';
import type { Complain } from './artifact-files';

/** A tensor as a signature wants it: `rows` and `tokens` vary, a number is that size. */
export interface TensorSpec {
  name: string;
  type: 'float32' | 'int64';
  shape: (number | 'rows' | 'tokens' | 'columns')[];
}

export type Feeds = Readonly<Record<string, Tensor>>;

/** One output of a graph, row after row. */
export interface Answer {
  values: Float32Array;
  columns: number;
}

/** A graph ready to run. */
export interface Graph {
  run(feeds: Feeds): Promise<Answer>;
  release(): Promise<void>;
}

/** A session wherever it is held. */
export interface HeldSession {
  readonly inputs: readonly InferenceSession.ValueMetadata[];
  readonly outputs: readonly InferenceSession.ValueMetadata[];
  /** The feeds are given away: they may be moved to another thread. */
  run(feeds: Feeds, output: string): Promise<Answer>;
  release(): Promise<void>;
}

/** Where sessions are held and run. */
export interface SessionHost {
  /** @throws what onnxruntime says of bytes that are no graph */
  open(model: Uint8Array): Promise<HeldSession>;
}

/** One thread and no parallel operators: a short graph gains nothing from more, and spinning threads cost the neighbours. */
const OPTIONS: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
};

export const FILE = 'model.onnx';

/** In this thread: no hop between threads, and the event loop stands still while a graph computes. */
export const INLINE: SessionHost = {
  async open(model) {
    const session = await InferenceSession.create(model, OPTIONS);
    return {
      inputs: session.inputMetadata,
      outputs: session.outputMetadata,
      async run(feeds, output) {
        const answer = (await session.run(feeds, [output]))[output]!;
        return { values: answer.data as Float32Array, columns: answer.dims[1] ?? 1 };
      },
      release: () => session.release(),
    };
  },
};

/**
 * Opens a graph that takes these inputs and no other, and gives that output.
 * @throws BadArtifact where the bytes are no graph, or one of other inputs and outputs.
 */
export async function openGraph(
  model: Buffer,
  wanted: { inputs: readonly TensorSpec[]; output: TensorSpec },
  bad: Complain,
  host: SessionHost = INLINE,
): Promise<Graph> {
  let session: HeldSession;
  try {
    session = await host.open(model);
  } catch (cause) {
    throw bad(FILE, `a graph that does not load (${String(cause)})`, 'an ONNX graph', cause);
  }
  const [problem] = disagreements(session, wanted);
  if (problem) {
    await session.release();
    throw bad(FILE, problem.found, problem.expected);
  }
  return {
    run: (feeds) => session.run(feeds, wanted.output.name),
    release: () => session.release(),
  };
}

function disagreements(
  session: HeldSession,
  { inputs, output }: { inputs: readonly TensorSpec[]; output: TensorSpec },
): { found: string; expected: string }[] {
  const problems: { found: string; expected: string }[] = [];
  const taken = session.inputs;
  const fits = (spec: TensorSpec): boolean => taken.some((found) => isLike(found, spec, 'all'));
  if (taken.length !== inputs.length || !inputs.every(fits)) {
    problems.push({
      found: `inputs ${taken.map(describe).join(', ')}`,
      expected: `${inputs.length === 1 ? 'one input' : 'inputs'} ${inputs.map(describeSpec).join(', ')}`,
    });
  }
  const given = session.outputs;
  if (!given.some((found) => isLike(found, output, 'some'))) {
    problems.push({
      found: `outputs ${given.map(describe).join(', ')}`,
      expected: `an output ${describeSpec(output)}`,
    });
  }
  return problems;
}

const isNumber = (size: unknown): size is number => typeof size === 'number';

/** An input has the sizes wanted and leaves open what varies; an output may leave its sizes unsaid. */
function isLike(found: InferenceSession.ValueMetadata, spec: TensorSpec, says: 'all' | 'some'): boolean {
  if (!found.isTensor || found.name !== spec.name || found.type !== spec.type) return false;
  if (found.shape.length !== spec.shape.length) return false;
  return spec.shape.every((size, axis) => {
    const real = found.shape[axis];
    if (says === 'some') return !isNumber(size) || !isNumber(real) || real === size;
    return isNumber(size) ? real === size : !isNumber(real);
  });
}

const describeSpec = ({ name, type, shape }: TensorSpec): string => `${name} ${type}[${shape.join(', ')}]`;

function describe(value: InferenceSession.ValueMetadata): string {
  return value.isTensor
    ? `${value.name} ${value.type}[${value.shape.map((size) => (typeof size === 'number' ? size : 'rows')).join(', ')}]`
    : `${value.name} (no tensor)`;
}
