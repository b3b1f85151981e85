import { recoveryOf } from './recovery';

const log = [
  'resumed from step 0: no whole checkpoint',
  '[0] train-auc=0.5',
  '[1] train-auc=0.6',
  'checkpoint at step 2',
  '[2] train-auc=0.6',
  '[3] train-auc=0.7',
  'checkpoint at step 4',
  '[4] train-auc=0.7',
  '[5] train-auc=0.7',
  'resumed from step 4',
  '[4] train-auc=0.7',
  '[5] train-auc=0.7',
  '[6] train-auc=0.8',
];

it('counts the steps that were done and are done again', () => {
  expect(recoveryOf(log)).toEqual({ stepsLost: 2, stepsBetweenCheckpoints: 2 });
});

it('needs an interruption after a checkpoint', () => {
  expect(() => recoveryOf(log.slice(0, 9))).toThrow('resumed from step');
  expect(() => recoveryOf(['[0] a=1', 'resumed from step 0'])).toThrow('checkpoint');
});
