import type { ModelDeclaration, SupervisedDeclaration } from '../../contracts/model';
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
import { deliveredLabel, deliveredView, OWNER, type ImportedModel } from './delivered';

export type Task = 'classification' | 'regression';
export type Estimator = 'xgboost' | 'sklearn';

export interface TableModel extends ImportedModel {
  task: Task;
  estimator: Estimator;
  /** Of a classification: the negative, then the positive. */
  classes?: string[];
  columns: readonly TableColumn[];
}

const TRAINING: Record<Estimator, Record<Task, ModelDeclaration['training']>> = {
  xgboost: { classification: classifierTraining, regression: regressorTraining },
  sklearn: { classification: sklearnTraining, regression: sklearnTraining },
};

/** The declaration of a model whose features and labels are one table, delivered as it is. */
export function declareTable(table: TableModel): SupervisedDeclaration {
  const { name, label, task, estimator, classes, columns, version, source } = table;
  const view = deliveredView(table, {
    description: `The columns of ${source}.`,
    features: columns.map((column) => ({ name: column.name, type: column.type })),
  });
  return {
    name,
    kind: classes ? 'tabular-classifier' : 'tabular-regressor',
    description: classes
      ? `The probability that ${label} is ${classes[1]}, learned from ${source}.`
      : `What ${label} is, learned from ${source}.`,
    owner: OWNER,
    schemaVersion: version,
    views: [view],
    inputs: inputsOf([view]),
    label: deliveredLabel(label, classes),
    dataset: { salt: name, holdOutShare: 0.2, validationShare: 0.15, minRows: 500 },
    training: TRAINING[estimator][task],
    gate: classes ? classifierGate : regressorGate,
    serving: { mode: 'online', p95Ms: 45 },
    rollOut: classifierRollOut,
  };
}
