import type { FeatureView, ModelDeclaration, SupervisedDeclaration } from '../../contracts/model';
import { inputsOf } from '../../features/inputs';
import {
  classifierGate,
  classifierRollOut,
  classifierTraining,
  regressorGate,
  regressorTraining,
  sklearnTraining,
} from '../../models/defaults';
import type { TableColumn } from './columns';

export type Task = 'classification' | 'regression';
export type Estimator = 'xgboost' | 'sklearn';

export interface TableModel {
  name: string;
  entity: string;
  label: string;
  task: Task;
  estimator: Estimator;
  /** Of a classification: the negative, then the positive. */
  classes?: string[];
  columns: readonly TableColumn[];
  /** Of its view and of what the model takes: raised where a table has lost columns, or changed their types. */
  version: number;
  /** The file's name, for the description. */
  source: string;
}

const TRAINING: Record<Estimator, Record<Task, ModelDeclaration['training']>> = {
  xgboost: { classification: classifierTraining, regression: regressorTraining },
  sklearn: { classification: sklearnTraining, regression: sklearnTraining },
};

/** The declaration of a model whose features and labels are one table, delivered as it is. */
export function declareTable({
  name,
  entity,
  label,
  task,
  estimator,
  classes,
  columns,
  version,
  source,
}: TableModel): SupervisedDeclaration {
  const view: FeatureView = {
    name: name.replaceAll('-', '_'),
    version,
    description: `The columns of ${source}.`,
    owner: 'table-import',
    entity: { name: entity, joinKeys: [{ name: entity, type: 'string' }] },
    // A table has no daily load: its values stay true until it is imported again.
    ttlSeconds: 0,
    sources: [],
    transformation: null,
    features: columns.map((column) => ({ name: column.name, type: column.type })),
  };
  return {
    name,
    kind: classes ? 'tabular-classifier' : 'tabular-regressor',
    description: classes
      ? `The probability that ${label} is ${classes[1]}, learned from ${source}.`
      : `What ${label} is, learned from ${source}.`,
    owner: 'table-import',
    schemaVersion: version,
    views: [view],
    inputs: inputsOf([view]),
    label: {
      name: label,
      transformation: null,
      sources: [],
      horizonDays: 0,
      everyDays: 1,
      periods: 1,
      ...(classes && { classes }),
    },
    dataset: { salt: name, holdOutShare: 0.2, validationShare: 0.15, minRows: 500 },
    training: TRAINING[estimator][task],
    gate: classes ? classifierGate : regressorGate,
    serving: { mode: 'online', p95Ms: 45 },
    rollOut: classifierRollOut,
  };
}
