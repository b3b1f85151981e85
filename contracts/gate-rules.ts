import { ErrorCode, MeridianError, show, type FieldProblem } from './errors';
import type { ModelDeclaration, ModelKind } from './model';

/** Which way a metric is better. */
export type Direction = 'higher' | 'lower';
export type Directions = Readonly<Record<string, Direction>>;

/** What versions of a kind are measured by, whatever their classes. */
export const METRIC_DIRECTIONS = {
  'tabular-classifier': {
    auc: 'higher',
    prAuc: 'higher',
    logLoss: 'lower',
    brier: 'lower',
    calibrationError: 'lower',
    accuracy: 'higher',
    precision: 'higher',
    recall: 'higher',
    f1: 'higher',
  },
  'tabular-regressor': { rmse: 'lower', mae: 'lower', mape: 'lower', r2: 'higher' },
  'text-classifier': { accuracy: 'higher', macroF1: 'higher', weightedF1: 'higher', logLoss: 'lower' },
  'metric-anomaly': {
    recall: 'higher',
    precision: 'higher',
    f1: 'higher',
    falseAlarmRate: 'lower',
    alertRate: 'lower',
  },
} as const satisfies Record<ModelKind, Directions>;
const METRICS_OF_A_CLASS = ['precision', 'recall', 'f1'];

/** Every metric that a model so declared may have. */
export function directionsOf({ kind, label }: Pick<ModelDeclaration, 'kind' | 'label'>): Directions {
  const classes = kind === 'text-classifier' ? (label?.classes ?? []) : [];
  return {
    ...METRIC_DIRECTIONS[kind],
    ...Object.fromEntries(
      classes.flatMap((name) => METRICS_OF_A_CLASS.map((metric) => [`${metric}.${name}`, 'higher'] as const)),
    ),
  };
}

/** The metric that a gate looks at first; null of a gate without rules. */
export const headlineOf = ({ gate }: Pick<ModelDeclaration, 'gate'>): string | null =>
  gate.absolute[0]?.metric ?? gate.champion?.metric ?? null;

/** @throws MeridianError InvalidInput where the gate names a metric that the kind does not have, listing those it has */
export function checkGate(declaration: Pick<ModelDeclaration, 'name' | 'kind' | 'label' | 'gate'>): void {
  const { name, kind, gate } = declaration;
  const directions = directionsOf(declaration);
  const known = Object.keys(directions).join(', ');
  const named: [field: string, metric: string][] = [
    ...gate.absolute.map(({ metric }, index): [string, string] => [`gate.absolute.${index}.metric`, metric]),
    ...(gate.champion ? [['gate.champion.metric', gate.champion.metric] satisfies [string, string]] : []),
  ];
  const fields = named
    .filter(([, metric]) => !Object.hasOwn(directions, metric))
    .map(([field, metric]): FieldProblem => ({ field, found: show(metric), expected: `one of ${known}` }));
  if (fields.length === 0) return;
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `${name}: ${fields.map(({ field, found }) => `${field}: found ${found}`).join('; ')}; expected metrics of a ${kind} ` +
      `(${known}). Correct the declaration and publish it again.`,
    fields,
  );
}
