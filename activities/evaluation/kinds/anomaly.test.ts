import fc from 'fast-check';
import { count, measure, type LabelledWindow, type ScoredPoint } from './anomaly';

const STEP = 300_000;
const DAY = 86_400_000;

/** A series a line: `.` an ordinary point, `!` one called anomalous, a space a gap. */
function draw(...lines: string[]): ScoredPoint[] {
  return lines.flatMap((line, which) =>
    Array.from(line).flatMap((mark, at): ScoredPoint[] =>
      mark === ' '
        ? []
        : [
            {
              series: `s${which}`,
              time: at * STEP,
              anomalous: mark === '!',
              entity: which,
              follows: at > 0 && line[at - 1] !== ' ',
            },
          ],
    ),
  );
}
const window = (series: string, from: number, to: number): LabelledWindow => ({
  series,
  startsAt: from * STEP,
  endsAt: to * STEP,
});
const all = (points: ScoredPoint[], windows: LabelledWindow[]) => measure(count(points, windows, 2), [1, 1]);

describe('the metrics of anomalies', () => {
  it('count windows hit, runs of alerts that touch one, and points called anomalous outside', () => {
    const points = draw('...!!....!...', '.!...........');
    const windows = [window('s0', 4, 6), window('s0', 11, 12), window('s1', 20, 30)];
    // Nobody scored the third window.
    expect(all(points, windows)).toEqual({
      recall: 1 / 2,
      precision: 1 / 3,
      f1: (2 * (1 / 2) * (1 / 3)) / (1 / 2 + 1 / 3),
      falseAlarmRate: 3 / 21,
      alertRate: 4 / 26,
    });
  });

  it('take a run that a gap cuts for two, and one window hit twice for one', () => {
    const metrics = all(draw('!! !!', '.....'), [window('s0', 0, 4)]);
    expect(metrics).toMatchObject({ recall: 1, precision: 1, falseAlarmRate: 0 });
    expect(count(draw('!! !!', '.....'), [], 2).runs[0]).toBe(2);
  });

  it('say nothing of windows where nobody labelled any', () => {
    expect(all(draw('.!', '..'), [])).toEqual({
      recall: NaN,
      precision: NaN,
      f1: NaN,
      falseAlarmRate: 1 / 4,
      alertRate: 1 / 4,
    });
  });

  it('give a detector that never calls no precision', () => {
    const metrics = all(draw('...', '...'), [window('s0', 0, 1)]);
    expect(metrics).toMatchObject({ recall: 0, precision: 0, f1: 0, falseAlarmRate: 0 });
  });

  it('count a day that was drawn n times n times', () => {
    const marks = fc.array(fc.boolean(), { minLength: 1, maxLength: 12 });
    const span = fc.tuple(fc.nat(11), fc.nat(4)).map(([from, length]) => [from, from + length] as const);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(marks, fc.array(span, { maxLength: 2 }), fc.nat(3)), {
          minLength: 1,
          maxLength: 5,
        }),
        (days) => {
          const lay = (repeats: number[]) => {
            const points: ScoredPoint[] = [];
            const windows: LabelledWindow[] = [];
            repeats.forEach((day, entity) => {
              const [anomalous, spans] = days[day]!;
              const begin = entity * DAY;
              anomalous.forEach((one, at) =>
                points.push({
                  series: 's',
                  time: begin + at * STEP,
                  anomalous: one,
                  entity,
                  follows: at > 0,
                }),
              );
              for (const [from, to] of spans)
                windows.push({ series: 's', startsAt: begin + from * STEP, endsAt: begin + to * STEP });
            });
            return count(points, windows, repeats.length);
          };
          const weights = days.map(([, , weight]) => weight);
          const once = lay(days.map((_, day) => day));
          const repeated = lay(days.flatMap(([, , weight], day) => Array<number>(weight).fill(day)));
          const [weighted, counted] = [
            measure(once, weights),
            measure(repeated, new Uint8Array(repeated.points.length).fill(1)),
          ];
          const digits = (metrics: Readonly<Record<string, number>>): string[] =>
            Object.entries(metrics).map(([name, value]) => `${name} ${value.toFixed(9)}`);
          expect(digits(weighted)).toEqual(digits(counted));
        },
      ),
    );
  });
});
