import { parseStartOptions } from './options';

describe('the arguments of npm start', () => {
  it('does the main job on the sample where there are none', () => {
    expect(parseStartOptions([])).toEqual({ exit: false, retrain: false, table: null });
  });

  it('takes a table with its columns', () => {
    const args = ['--exit', '--table', 'a/telco-churn.csv', '--entity', 'customerID', '--label', 'Churn'];
    expect(parseStartOptions(args)).toEqual({
      exit: true,
      retrain: false,
      table: { file: 'a/telco-churn.csv', entity: 'customerID', label: 'Churn', name: undefined },
    });
  });

  it.each([
    [['--table', 'a.csv', '--label', 'Churn'], '--entity is missing'],
    [['--table', 'a.csv', '--entity', 'id'], '--label is missing'],
    [['--entity', 'id'], '--entity goes with --table'],
    [['--restart'], "Unknown option '--restart'"],
    [['churn'], 'churn'],
  ])('says what is wrong with %j', (args, problem) => {
    expect(() => parseStartOptions(args)).toThrow(problem);
    expect(() => parseStartOptions(args)).toThrow('npm start [-- options]');
  });
});
