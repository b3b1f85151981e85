import { retrainingRows, type Retraining } from './retraining';

const run = (label: number, wallSeconds: number, jobSeconds: number): Retraining => ({
  steps: new Map([['retrainModel: label', label]]),
  wallSeconds,
  jobSeconds,
});

describe('the rows of retrainings', () => {
  it('are medians, the overhead taken from each run by itself', () => {
    const rows = retrainingRows([run(3, 20, 10), run(1, 30, 25), run(2, 40, 24)]);
    expect(rows.map(({ measure, ours }) => [measure, ours])).toEqual([
      ['retrainModel: label', 2],
      ['retraining, from its start until the version serves', 30],
      ['inside the training job', 24],
      ['orchestration: retraining less training job', 10],
    ]);
  });

  it('say that a missed target is missed', () => {
    const [overhead] = retrainingRows([run(1, 30, 10)]).slice(-1);
    expect(overhead).toMatchObject({ ours: 20, target: '≤ 15', holds: false });
  });
});
