import type { GoldenRows, ModelDeclaration, TextGoldenRow } from '../../contracts/model';
import { fixtureJson } from '../support/artifact-fixtures';
import { declarationOf } from './rig';

/** The golden rows of the fixture that answers texts. */
export const goldenTexts = fixtureJson<GoldenRows<TextGoldenRow>>('text', 'golden.json').rows;

/** A classifier of texts, keyed by event_id. */
export function declarationOfText(model: string, personal: boolean): ModelDeclaration {
  const declaration = declarationOf(model);
  const [view] = declaration.views;
  return {
    ...declaration,
    kind: 'text-classifier',
    views: [
      {
        ...view!,
        entity: { name: 'event', joinKeys: [{ name: 'event_id', type: 'string' }] },
        features: [{ name: 'text', type: 'string', ...(personal && { personal }) }],
      },
    ],
    inputs: [{ name: 'text', view: view!.name, feature: 'text', type: 'text' }],
  };
}
