import { ErrorCode, MeridianError } from '../../../contracts/errors';
import { decisive, type Prediction, type PredictResponse, type PredictRow } from '../../../contracts/scoring';
import type { Asking, Predictor } from '../predictor';
import { inTime } from '../in-time';
import { requireAll } from '../whole';
import { classesParameter } from './metadata';
import { toRows, type InputTensor, type OutputTensor } from './tensors';

/** A request of the Open Inference Protocol, over HTTP or gRPC. */
export interface Inference {
  model: string;
  requestId: string;
  inputs: readonly InputTensor[];
  /** The inputs are join keys, whose features are looked up. */
  byEntity: boolean;
  /** Names of the outputs wanted; all where there are none. */
  outputs: readonly string[];
}

export interface InferenceAnswer {
  model_name: string;
  /** Where a canary answered some of the rows: both versions, with a comma between. */
  model_version: string;
  id: string;
  outputs: OutputTensor[];
}

/**
 * Answers all rows or none: the protocol knows no error of a single one.
 * @throws InvalidInput where tensors do not fit each other or an output is none of the model's; the first row's error
 */
export async function infer(
  predictor: Predictor,
  { model, requestId, inputs, byEntity, outputs }: Inference,
  asking: Asking,
): Promise<InferenceAnswer> {
  const rows = toRows(inputs).map((values, index): PredictRow => {
    const id = `${requestId}:${index}`;
    return byEntity ? { requestId: id, entity: values } : { requestId: id, features: values };
  });
  const ids = rows.map((row) => row.requestId);
  const answers = requireAll(await inTime(predictor.predictMany(model, rows, asking), asking, ids));
  return {
    model_name: model,
    model_version: [...new Set(answers.map(({ model_version }) => model_version))].join(','),
    id: requestId,
    outputs: choose(toTensors(answers), outputs),
  };
}

function toTensors(answers: readonly PredictResponse[]): OutputTensor[] {
  const predictions = answers.map(({ prediction }) => prediction);
  const rows = answers.length;
  const numbers: OutputTensor = {
    name: 'prediction',
    datatype: 'FP64',
    shape: [rows],
    data: predictions.map(decisive),
  };
  const [first] = predictions;
  if (typeof first !== 'object') return [numbers];
  const classes = Object.keys(first.scores);
  const texts = predictions as Exclude<Prediction, number>[];
  return [
    numbers,
    { name: 'label', datatype: 'BYTES', shape: [rows], data: texts.map(({ label }) => label) },
    {
      name: 'scores',
      datatype: 'FP64',
      shape: [rows, classes.length],
      parameters: classesParameter(classes),
      data: texts.flatMap(({ scores }) => classes.map((name) => scores[name]!)),
    },
  ];
}

function choose(tensors: OutputTensor[], wanted: readonly string[]): OutputTensor[] {
  if (wanted.length === 0) return tensors;
  const known = tensors.map(({ name }) => name).join(', ');
  return wanted.map((name) => {
    const found = tensors.find((tensor) => tensor.name === name);
    if (found) return found;
    throw new MeridianError(ErrorCode.InvalidInput, `outputs: found ${name}, expected one of ${known}.`, [
      { field: 'outputs', found: name, expected: `one of ${known}` },
    ]);
  });
}
