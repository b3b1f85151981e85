import { setImmediate } from 'node:timers/promises';
import { Tensor } from 'onnxruntime-node';
import type { GoldenRows, SeriesGoldenRow, SeriesSignature } from '../../contracts/model';
import type { SeriesPrediction } from '../../contracts/scoring';
import { SIGNATURE, type ArtifactFiles } from './artifact-files';
import { difference, malformed, readGolden } from './golden';
import type { GoldenAnswer, LoadedVersion, OnBatch, SeriesModel } from './loaded-model';
import { minuteOfDay, type SeriesWindows } from './series-windows';
import { FILE as GRAPH, openGraph } from './session';

const BATCH = 1024;
/** A score above this is anomalous: scores are errors over their series' threshold. */
const ANOMALOUS = 1;

/** One run's windows as the graph takes them. */
interface Encoded {
  /** `windowSteps` values a window, oldest first. */
  values: Float32Array;
  /** Of the newest value: minutes since midnight, UTC. */
  minutes: Float32Array;
  series: BigInt64Array;
}

export const toSeriesPrediction = (score: number): SeriesPrediction => ({
  score,
  anomalous: score > ANOMALOUS,
});

/** @throws BadArtifact where signature and graph are not right. */
export async function openSeries(
  version: LoadedVersion,
  files: ArtifactFiles,
  signature: SeriesSignature,
): Promise<SeriesModel> {
  const { everySeconds, windowSteps, graph: names } = signature;
  if (!(everySeconds >= 1) || !(windowSteps >= 2)) {
    const found = `everySeconds ${String(everySeconds)}, windowSteps ${String(windowSteps)}`;
    throw files.bad(SIGNATURE, found, 'at least 1 second and 2 steps');
  }
  const golden = readGolden<SeriesGoldenRow>(files);
  const graph = await openGraph(
    files.body(GRAPH),
    {
      inputs: [
        { name: names.values, type: 'float32', shape: ['rows', windowSteps] },
        { name: names.minute, type: 'float32', shape: ['rows'] },
        { name: names.series, type: 'int64', shape: ['rows'] },
      ],
      output: { name: names.output, type: 'float32', shape: ['rows'] },
    },
    files.bad,
  );

  async function run({ values, minutes, series: which }: Encoded): Promise<Float32Array> {
    const rows = minutes.length;
    const answer = await graph.run({
      [names.values]: new Tensor('float32', values, [rows, windowSteps]),
      [names.minute]: new Tensor('float32', minutes, [rows]),
      [names.series]: new Tensor('int64', which, [rows]),
    });
    return answer.values;
  }

  async function score(windows: SeriesWindows, onBatch?: OnBatch): Promise<Float32Array> {
    const count = windows.newest.length;
    const scores = new Float32Array(count);
    for (let from = 0; from < count; from += BATCH) {
      if (from > 0) await setImmediate();
      const to = Math.min(from + BATCH, count);
      scores.set(await run(encode(windows, from, to, signature)), from);
      await onBatch?.(to);
    }
    return scores;
  }

  return {
    ...version,
    kind: 'metric-anomaly',
    signature,
    goldenRows: golden.rows.length,
    answerGolden: (row) => answerGolden(golden, row, signature, run),
    score,
    async warmUp() {
      for (const rows of [1, BATCH]) {
        const [values, minutes] = [new Float32Array(rows * windowSteps), new Float32Array(rows)];
        await run({ values, minutes, series: new BigInt64Array(rows) });
      }
    },
    release: () => graph.release(),
  };
}

function encode(
  { points, newest }: SeriesWindows,
  from: number,
  to: number,
  { windowSteps, series }: SeriesSignature,
): Encoded {
  const numbers = points.names.map((name) => BigInt(series.indexOf(name)));
  const rows = newest.subarray(from, to);
  const values = new Float32Array(rows.length * windowSteps);
  rows.forEach((row, index) => {
    values.set(points.value.subarray(row + 1 - windowSteps, row + 1), index * windowSteps);
  });
  return {
    values,
    minutes: Float32Array.from(rows, (row) => minuteOfDay(points.time[row]!)),
    series: BigInt64Array.from(rows, (row) => numbers[points.series[row]!]!),
  };
}

async function answerGolden(
  { rows, tolerance }: GoldenRows<SeriesGoldenRow>,
  row: number,
  { windowSteps, series }: SeriesSignature,
  run: (encoded: Encoded) => Promise<Float32Array>,
): Promise<GoldenAnswer<SeriesPrediction>> {
  const none = toSeriesPrediction(NaN);
  const given = (rows[row] ?? {}) as { [name in keyof SeriesGoldenRow]?: unknown };
  const number = series.indexOf(String(given.series));
  if (number < 0)
    return {
      prediction: none,
      problem: malformed(row, 'series', given.series, `one of ${series.join(', ')}`),
    };
  if (!Array.isArray(given.values) || given.values.length !== windowSteps)
    return { prediction: none, problem: malformed(row, 'values', given.values, `${windowSteps} values`) };
  if (typeof given.minute !== 'number' || typeof given.expected !== 'number') {
    const found = { minute: given.minute, expected: given.expected };
    return { prediction: none, problem: malformed(row, 'numbers', found, 'minute and expected') };
  }
  const answer = await run({
    values: Float32Array.from(given.values as number[]),
    minutes: Float32Array.of(given.minute),
    series: BigInt64Array.of(BigInt(number)),
  });
  return {
    prediction: toSeriesPrediction(answer[0]!),
    problem: difference(row, answer, [given.expected], tolerance),
  };
}
