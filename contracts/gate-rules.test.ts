import { checkGate, directionsOf, headlineOf } from './gate-rules';
import type { ModelDeclaration } from './model';

type Declared = Parameters<typeof checkGate>[0];

const topics: Declared = {
  name: 'topics',
  kind: 'text-classifier',
  label: { name: 'topic', classes: ['refund', 'login'] } as ModelDeclaration['label'],
  gate: { absolute: [{ metric: 'f1.refund', min: 0.5 }], champion: { metric: 'macroF1', margin: 0.01 } },
};

describe('directionsOf', () => {
  it('has the metrics of each class of a text classifier, and of no other kind', () => {
    expect(directionsOf(topics)).toMatchObject({ logLoss: 'lower', 'recall.login': 'higher' });
    expect(directionsOf({ ...topics, kind: 'tabular-classifier' })).not.toHaveProperty(['recall.login']);
  });
});

describe('headlineOf', () => {
  it('is what the gate looks at first', () => {
    expect(headlineOf(topics)).toBe('f1.refund');
    expect(headlineOf({ gate: { ...topics.gate, absolute: [] } })).toBe('macroF1');
    expect(headlineOf({ gate: { absolute: [] } })).toBeNull();
  });
});

describe('checkGate', () => {
  it('takes metrics of the kind', () => {
    expect(() => checkGate(topics)).not.toThrow();
  });

  it('refuses every other, naming those there are', () => {
    const expected = 'one of rmse, mae, mape, r2';
    const gate = {
      absolute: [
        { metric: 'r2', min: 0 },
        { metric: 'constructor', min: 0 },
      ],
      champion: { metric: 'AUC', margin: 0 },
    };
    expect(() => checkGate({ ...topics, kind: 'tabular-regressor', gate })).toThrow(
      expect.objectContaining({
        code: 'InvalidInput',
        message: expect.stringContaining('expected metrics of a tabular-regressor (rmse, mae, mape, r2)'),
        fields: [
          { field: 'gate.absolute.1.metric', found: '"constructor"', expected },
          { field: 'gate.champion.metric', found: '"AUC"', expected },
        ],
      }),
    );
  });
});
