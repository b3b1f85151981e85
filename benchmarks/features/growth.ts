import { row, type Row } from '../row';
import type { OfflineTable } from './data';
import { peakMegabytes, typicalSeconds } from './figures';
import type { TaskAnswer } from './tasks/task';

/** Largest peak of each history, in MB; without one there is no target. */
type MostMemory = readonly (number | undefined)[];

/** How time and memory grow with the history: the time no faster than the rows. */
export function growthRows(
  what: string,
  histories: readonly OfflineTable[],
  answers: readonly TaskAnswer[][],
  mostMemory: MostMemory = [],
): Row[] {
  const seconds = answers.map(typicalSeconds);
  return histories.flatMap(({ rows }, index) => {
    const measure = `${what}, ${(rows / 1e6).toFixed(1)} M rows`;
    const memory = { measure: `${measure}: peak memory`, unit: 'MB', value: peakMegabytes(answers[index]!) };
    return [
      row({ measure: `${measure}: time`, unit: 's', value: seconds[index]! }),
      ...(index === 0 ? [] : [timesTheFirst(index, measure)]),
      row({ ...memory, atMost: mostMemory[index] }),
    ];
  });

  function timesTheFirst(index: number, measure: string): Row {
    const [first, table] = [histories[0]!, histories[index]!];
    return row({
      measure: `${measure}: time, as a multiple of ${(first.rows / 1e6).toFixed(1)} M rows'`,
      unit: '×',
      value: seconds[index]! / seconds[0]!,
      atMost: Number((table.rows / first.rows).toFixed(2)),
    });
  }
}
