import type { OnlineModel } from '../serving-model';

export interface TensorMetadata {
  name: string;
  datatype: string;
  /** −1: any number of rows. */
  shape: number[];
  parameters?: Record<string, string>;
}

export interface ModelMetadata {
  name: string;
  versions: string[];
  platform: string;
  inputs: TensorMetadata[];
  outputs: TensorMetadata[];
}

const DATATYPE = { number: 'FP64', boolean: 'BOOL', category: 'BYTES', text: 'BYTES' } as const;

/** A model as the Open Inference Protocol describes one: a tensor a feature. */
export function describeModel({ name, live, variants }: OnlineModel): ModelMetadata {
  return {
    name,
    versions: variants.filter(({ mode }) => mode !== 'shadow').map(({ version }) => version),
    platform: 'onnx_onnxruntime',
    inputs: live.artifact.inputs.map((input) => ({
      name: input.name,
      datatype: DATATYPE[input.type],
      shape: [-1],
    })),
    outputs: outputsOf(live),
  };
}

/** The prediction as a number (of a text, the probability of its label), and of a text its label and the scores of all classes. */
function outputsOf({ artifact }: OnlineModel['live']): TensorMetadata[] {
  const prediction = { name: 'prediction', datatype: 'FP64', shape: [-1] };
  if (artifact.kind !== 'text-classifier') return [prediction];
  const { classes } = artifact.signature;
  return [
    prediction,
    { name: 'label', datatype: 'BYTES', shape: [-1] },
    { name: 'scores', datatype: 'FP64', shape: [-1, classes.length], parameters: classesParameter(classes) },
  ];
}

/** What the columns of `scores` are, as JSON: the protocol's parameters hold no lists. */
export const classesParameter = (classes: readonly string[]): Record<string, string> => ({
  classes: JSON.stringify(classes),
});
