import type { FeatureView, SupervisedDeclaration } from '../../contracts/model';
import { classifierRollOut, textTraining } from '../../models/defaults';

export interface TextModel {
  name: string;
  entity: string;
  label: string;
  classes: string[];
  /** Share of the rows that are of the commonest class. */
  commonestShare: number;
  version: number;
  /** The file's name, for the description. */
  source: string;
}

/** The declaration of a model whose texts and labels are one table, delivered as it is. */
export function declareTexts({
  name,
  entity,
  label,
  classes,
  commonestShare,
  version,
  source,
}: TextModel): SupervisedDeclaration {
  const view: FeatureView = {
    name: name.replaceAll('-', '_'),
    version,
    description: `The texts of ${source}.`,
    owner: 'table-import',
    entity: { name: entity, joinKeys: [{ name: entity, type: 'string' }] },
    ttlSeconds: 0,
    // Who asks for a prediction sends the text along.
    online: false,
    sources: [],
    transformation: null,
    features: [{ name: 'text', type: 'string' }],
  };
  return {
    name,
    kind: 'text-classifier',
    description: `The ${label} of a text, learned from ${source}.`,
    owner: 'table-import',
    schemaVersion: version,
    views: [view],
    inputs: [{ name: 'text', view: view.name, feature: 'text', type: 'text' }],
    label: {
      name: label,
      transformation: null,
      sources: [],
      horizonDays: 0,
      everyDays: 1,
      periods: 1,
      classes,
    },
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
