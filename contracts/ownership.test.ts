import type { FeatureView, ModelDeclaration } from './model';
import { checkInputs, ownerKeys, ownersOf } from './ownership';

const features: FeatureView['features'] = [
  { name: 'text', type: 'string' },
  { name: 'customer_id', type: 'string', personal: true, belongsTo: 'customer' },
  { name: 'tenant', type: 'int64', belongsTo: 'seat' },
  { name: 'seat', type: 'int32', belongsTo: 'seat' },
  // No join key is a double: such a view is never published.
  { name: 'weight', type: 'double', belongsTo: 'seat' },
];

it('finds whom the rows belong to, by the features that are their join keys', () => {
  expect(ownersOf({ features })).toEqual([
    { name: 'customer', joinKeys: [{ name: 'customer_id', type: 'string', personal: true }] },
    {
      name: 'seat',
      joinKeys: [
        { name: 'tenant', type: 'int64' },
        { name: 'seat', type: 'int32' },
      ],
    },
  ]);
  expect(ownerKeys([{ features }, { features: features.slice(0, 2) }])).toEqual([
    'customer_id string',
    'tenant int64,seat int32',
  ]);
  expect(ownersOf({ features: features.slice(0, 1) })).toEqual([]);
});

it('lets no model learn from whom a row belongs to', () => {
  const declaring = (...inputs: string[]) =>
    ({
      name: 'm',
      views: [{ name: 'events', features }],
      inputs: inputs.map((feature) => ({ name: feature, view: 'events', feature, type: 'category' })),
    }) as unknown as ModelDeclaration;
  expect(() => checkInputs(declaring('text'))).not.toThrow();
  expect(() => checkInputs(declaring('text', 'customer_id'))).toThrow(
    'inputs.1.feature: expected a feature that a model may learn from, found events:customer_id, which names the customer',
  );
});
