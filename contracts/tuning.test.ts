import { ErrorCode, MeridianError } from './errors';
import type { ModelDeclaration, TuningDeclaration } from './generated/types';
import { findTuningProblems, searchOf } from './tuning';

const tuning: TuningDeclaration = {
  strategy: 'Bayesian',
  objective: { metric: 'loss', goal: 'minimize' },
  ranges: { rate: { type: 'continuous', min: 0.01, max: 0.1 }, depth: { type: 'integer', min: 2, max: 6 } },
};
const training = (changes: Partial<TuningDeclaration> | null) =>
  ({
    metrics: [{ name: 'loss', regex: 'loss=(.*)' }],
    hyperparameters: Object.fromEntries(Array.from({ length: 88 }, (_, i) => [`h${i}`, i])),
    ...(changes && { tuning: { ...tuning, ...changes } }),
  }) as unknown as ModelDeclaration['training'];
const declared = (changes: Partial<TuningDeclaration> | null) => ({
  name: 'churn',
  training: training(changes),
});

describe('searchOf', () => {
  it('fills in what is not declared', () => {
    expect(searchOf(declared({}))).toEqual({
      ...tuning,
      earlyStopping: false,
      epochs: null,
      maxJobs: 20,
      maxParallelJobs: 4,
      maxRuntimeSeconds: null,
      seed: null,
    });
  });

  it('searches nothing that is fixed, and never more than there is to try', () => {
    const search = searchOf(declared({ maxJobs: 50 }), ['rate']);
    expect(search.ranges).toEqual({ depth: tuning.ranges['depth'] });
    expect(search).toMatchObject({ maxJobs: 5, maxParallelJobs: 4 });
    expect(searchOf(declared({ maxJobs: 2 }))).toMatchObject({ maxJobs: 2, maxParallelJobs: 2 });
  });

  it('tries every combination of a grid', () => {
    const ranges: TuningDeclaration['ranges'] = {
      booster: { type: 'categorical', values: ['gbtree', 'dart'] },
      depth: { type: 'categorical', values: [2, 4, 6] },
    };
    expect(searchOf(declared({ strategy: 'Grid', ranges }))).toMatchObject({
      maxJobs: 6,
      maxParallelJobs: 4,
    });
  });

  it.each([
    ['declares no search', null, []],
    ['leaves nothing to search', {}, ['rate', 'depth']],
    ['contradicts itself', { epochs: { max: 3 } }, []],
  ])('refuses what %s', (_, changes, fixed) => {
    const search = (): unknown => searchOf(declared(changes), fixed);
    expect(search).toThrow(MeridianError);
    expect(search).toThrow(expect.objectContaining({ code: ErrorCode.InvalidInput }));
  });
});

describe('findTuningProblems', () => {
  const range = (changes: object) => ({
    ranges: { rate: { type: 'continuous', min: 0, max: 1, ...changes } },
  });
  const categorical = { ranges: { kind: { type: 'categorical', values: ['a', 'b'] } } };

  it.each<[string, object]>([
    ['training.tuning.objective.metric', { objective: { metric: 'auc', goal: 'maximize' } }],
    ['training.tuning.ranges.rate', range({ min: 2 })],
    ['training.tuning.ranges.rate', range({ type: 'integer', max: 1.5 })],
    ['training.tuning.ranges.rate', range({ scale: 'logarithmic' })],
    ['training.tuning.ranges.rate', range({ scale: 'reverse-logarithmic' })],
    ['training.tuning.ranges.kind', { ranges: { kind: { type: 'categorical', values: ['v'.repeat(255)] } } }],
    [
      'training.tuning.ranges',
      { ranges: { ...tuning.ranges, one: tuning.ranges['rate'], more: tuning.ranges['rate'] } },
    ],
    ['training.tuning.epochs', { strategy: 'Hyperband' }],
    ['training.tuning.earlyStopping', { strategy: 'Hyperband', epochs: { max: 9 }, earlyStopping: true }],
    ['training.tuning.epochs.min', { strategy: 'Hyperband', epochs: { min: 9, max: 9 } }],
    ['training.tuning.epochs', { epochs: { max: 9 } }],
    ['training.tuning.maxJobs', { strategy: 'Grid', ...categorical, maxJobs: 2 }],
    ['training.tuning.ranges.rate.type', { strategy: 'Grid', ...range({}) }],
  ])('names %s', (field, changes) => {
    expect(findTuningProblems(training(changes)).map((problem) => problem.field)).toEqual([field]);
  });

  it.each<[string, object | null]>([
    ['no search', null],
    ['a search', {}],
    ['a grid', { strategy: 'Grid', ...categorical }],
    ['Hyperband', { strategy: 'Hyperband', epochs: { min: 1, max: 9 } }],
    ['a range of one point', range({ min: 1 })],
    ['a range of what is set otherwise', { ranges: { ...tuning.ranges, h1: tuning.ranges['rate'] } }],
  ])('has nothing against %s', (_, changes) => {
    expect(findTuningProblems(training(changes))).toEqual([]);
  });
});
