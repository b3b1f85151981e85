import type { ModelDeclaration } from '../../contracts/model';
import { declarationOf } from './rig';

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
