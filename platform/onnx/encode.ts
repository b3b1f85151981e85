import { show } from '../../contracts/errors';
import type { FieldProblem } from '../../contracts/errors';
import type { TabularSignature } from '../../contracts/model';

export type SignatureInput = TabularSignature['inputs'][number];

/** Turns a row of feature values into the numbers the graph takes, as `signature.json` says. */
export interface Encoder {
  /** Numbers a row takes. */
  readonly width: number;
  /** Names of the inputs, in the order of the columns. */
  readonly names: readonly string[];
  /**
   * Writes one row into `target[offset … offset + width)` and returns every problem it found; what it wrote is of
   * use only where there is none. A row without problems costs no allocation.
   */
  encode(features: Readonly<Record<string, unknown>>, target: Float32Array, offset: number): FieldProblem[];
}

const NO_PROBLEMS: FieldProblem[] = [];

export const EXPECTED: Record<SignatureInput['type'], string> = {
  number: 'a finite number within ±3.4e38, or null',
  boolean: 'true, false or null',
  category: 'a string or null',
};

export function createEncoder(signature: Pick<TabularSignature, 'inputs'>): Encoder {
  const { inputs } = signature;
  const names = inputs.map((input) => input.name);
  const readers = inputs.map(createValueEncoder);
  const known = new Set(names);
  const noSuchFeature = `no such feature; the model's features are ${names.join(', ')}`;

  function problemsOf(features: Readonly<Record<string, unknown>>): FieldProblem[] {
    const problems: FieldProblem[] = [];
    inputs.forEach((input, column) => {
      if (!Object.hasOwn(features, input.name)) {
        problems.push({ field: input.name, found: 'nothing', expected: EXPECTED[input.type] });
      } else if (readers[column]!(features[input.name]) === undefined) {
        problems.push({
          field: input.name,
          found: show(features[input.name]),
          expected: EXPECTED[input.type],
        });
      }
    });
    for (const name of Object.keys(features)) {
      if (!known.has(name)) {
        problems.push({ field: name, found: show(features[name]), expected: noSuchFeature });
      }
    }
    return problems;
  }

  return {
    width: inputs.length,
    names,
    encode(features, target, offset) {
      let given = 0;
      for (const name in features) if (Object.hasOwn(features, name)) given += 1;
      if (given !== names.length) return problemsOf(features);
      for (let column = 0; column < names.length; column += 1) {
        const name = names[column]!;
        const code = Object.hasOwn(features, name) ? readers[column]!(features[name]) : undefined;
        if (code === undefined) return problemsOf(features);
        target[offset + column] = code;
      }
      return NO_PROBLEMS;
    },
  };
}

/** One value's number in the tensor: NaN where it is null or an unseen category, undefined where it is of a wrong type. */
type ValueEncoder = (value: unknown) => number | undefined;

function createValueEncoder(input: SignatureInput): ValueEncoder {
  switch (input.type) {
    case 'number':
      return (value) => {
        if (typeof value === 'number') return Number.isFinite(Math.fround(value)) ? value : undefined;
        return value === null ? NaN : undefined;
      };
    case 'boolean':
      return (value) => {
        if (typeof value === 'boolean') return value ? 1 : 0;
        return value === null ? NaN : undefined;
      };
    case 'category': {
      const codes = categoryCodes(input);
      return (value) => {
        if (typeof value === 'string') return codes.get(value) ?? NaN;
        return value === null ? NaN : undefined;
      };
    }
  }
}

/** A category's number is its index in the signature; a Map, so that no name of Object's prototype is taken for one. */
export function categoryCodes(input: SignatureInput): ReadonlyMap<string, number> {
  return new Map((input.categories ?? []).map((category, code) => [category, code]));
}
