import { trialOf } from './try';

describe('the options of try', () => {
  it.each([
    ['tabular', { entity: 'id' }, '--kind tabular: --label: found nothing, expected a column.'],
    ['text-classifier', {}, '--text: found nothing, expected a column; --label: found nothing'],
    ['metric-anomaly', { time: 't', value: 'v', label: 'x' }, '--label: found x, expected none'],
    [
      'text-classifier',
      { text: 't', label: 'l', task: 'regression' },
      '--task: found regression, expected none',
    ],
  ] as const)('of kind %s are complete, and no other kind’s', (kind, given, message) => {
    const options = { kind, table: 't.csv', ...given };
    expect(() => trialOf('mine', options)).toThrow(
      expect.objectContaining({ code: 'InvalidInput', message: expect.stringContaining(message) }),
    );
  });

  it('name the file as the person does', () => {
    const options = { kind: 'tabular', table: 'data/t.csv', entity: 'id', label: 'y' } as const;
    expect(trialOf('mine', options).title).toBe('Reading data/t.csv');
  });
});
