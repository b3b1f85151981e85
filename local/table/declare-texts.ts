import type { SupervisedDeclaration } from '../../contracts/model';
import { classifierRollOut, textTraining } from '../../models/defaults';
import { deliveredLabel, deliveredView, OWNER, type ImportedModel } from './delivered';

export interface TextModel extends ImportedModel {
  classes: string[];
  /** Share of the rows that are of the commonest class. */
  commonestShare: number;
}

/** The declaration of a model whose texts and labels are one table, delivered as it is. */
export function declareTexts(table: TextModel): SupervisedDeclaration {
  const { name, label, classes, commonestShare, version, source } = table;
  const view = deliveredView(table, {
    description: `The texts of ${source}.`,
    // Who asks for a prediction sends the text along.
    online: false,
    features: [{ name: 'text', type: 'string' }],
  });
  return {
    name,
    kind: 'text-classifier',
    description: `The ${label} of a text, learned from ${source}.`,
    owner: OWNER,
    schemaVersion: version,
    views: [view],
    inputs: [{ name: 'text', view: view.name, feature: 'text', type: 'text' }],
    label: deliveredLabel(label, classes),
    dataset: { salt: name, holdOutShare: 0.2, validationShare: 0.12, minRows: 200 },
    training: textTraining,
    gate: {
      // More is known of nobody's data beforehand: it must beat always answering the commonest class.
      absolute: [{ metric: 'accuracy', min: Math.round(commonestShare * 1000) / 1000 }],
      champion: { metric: 'macroF1', margin: 0.02 },
    },
    serving: { mode: 'online', p95Ms: 120 },
    rollOut: classifierRollOut,
  };
}
