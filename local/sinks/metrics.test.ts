import { parseMetric } from './metrics';

describe('parseMetric', () => {
  it.each([
    [
      'ml.pipeline.parked:1|c|#model:churn,step:train',
      { name: 'ml.pipeline.parked', value: 1, type: 'c', tags: ['model:churn', 'step:train'] },
    ],
    ['ml.x:2.5|d', { name: 'ml.x', value: 2.5, type: 'd', tags: [] }],
    ['ml.x:3|ms|@0.5|#a:b', { name: 'ml.x', value: 3, type: 'ms', tags: ['a:b'] }],
  ])('%s', (line, metric) => {
    expect(parseMetric(line)).toEqual(metric);
  });

  it('leaves out what is no metric', () => {
    expect(parseMetric('_e{5,4}:title|text')).toBeNull();
  });
});
