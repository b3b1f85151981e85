import { row, type Row } from '../row';
import type { Trained } from './run';

/** How fast a training program goes through its rows, and how long its job took. */
export function throughputRows(model: string, { job, report, lines }: Trained): Row[] {
  const seconds = (job.TrainingEndTime!.getTime() - job.TrainingStartTime!.getTime()) / 1000;
  const stepping = (lines.at(-1)!.timestamp - lines[0]!.timestamp) / 1000;
  const steps = lines.at(-1)!.step - lines[0]!.step;
  return [
    row({ measure: `${model}: steps logged by its program`, unit: 'steps/s', value: steps / stepping }),
    row({
      measure: `${model}: rows to train on, by the seconds of its job`,
      unit: 'rows/s',
      value: report.rows.train / seconds,
    }),
    row({ measure: `${model}: its job, from start to end`, unit: 's', value: seconds }),
  ];
}
