import type { FeatureRow } from '../../contracts/model';
import { decisive, type Prediction } from '../../contracts/scoring';

/** A request as our own API takes it. */
export type Ask = { features: FeatureRow } | { entity: FeatureRow };

/** How a server wants to be asked for a prediction, and how it answers. */
export interface Dialect {
  path: string;
  /** Undefined for what cannot be said. */
  body(ask: Ask): object | undefined;
  /** The number answered; of a text, the probability of its class. */
  prediction(answer: unknown): number;
}

/** Ours, which every application written for this benchmark speaks. */
export const ourDialect = (model: string): Dialect => ({
  path: `/v1/predict/${model}`,
  body: (ask) => ask,
  prediction: (answer) => decisive((answer as { prediction: Prediction }).prediction),
});

/** The Open Inference Protocol, one row of numbers; its JSON has no word for a value that is missing. */
export const openInference = (model: string, inputs: readonly string[]): Dialect => ({
  path: `/v2/models/${model}/infer`,
  body(ask) {
    const data = 'features' in ask ? inputs.map((name) => ask.features[name]) : [null];
    if (data.includes(null)) return undefined;
    return { inputs: [{ name: 'predict', shape: [1, data.length], datatype: 'FP32', data }] };
  },
  prediction: (answer) => (answer as { outputs: [{ data: [number] }] }).outputs[0].data[0],
});
