import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TrainingReport } from '../../contracts/model';
import { readParquetAsArrow } from '../../platform/arrow';
import { literal, withDatabase } from '../../platform/duckdb';
import type { SeriesModel } from '../../platform/onnx/loaded-model';
import { pointsOf, windowsOf, type SeriesPoints } from '../../platform/onnx/series-windows';
import { projectRoot } from '../../platform/project-root';
import { channelFolder, torchPython } from '../support/text-job';
import { loadPackaged } from '../support/training-program';

// A quiet machine takes a tenth of it; one shared with others may take all.
jest.setTimeout(300_000);

const PROGRAM = join(projectRoot(), 'models', 'anomaly-detector', 'train.py');
const SERIES = { table: 'metrics', everySeconds: 900, windowSteps: 8, days: 17, alertRate: 0.02 };
const QUICK = { epochs: 6, epoch_steps: 25, batch_size: 64 };
const FILES = [
  'baseline.json',
  'golden.json',
  'metrics.jsonl',
  'model.onnx',
  'pictures/anomaly_scores.png',
  'pictures/loss_curves.png',
  'signature.json',
  'training.json',
];

/** Two series that repeat each other day, in two orders of magnitude, with noise of a fiftieth of how far they swing. */
const POINTS = `
  SELECT name AS series, TIMESTAMPTZ '2026-03-01T00:00:00Z' + i * INTERVAL 15 MINUTE AS "time",
    size * (3 + sin(2 * pi() * i / 96) + 0.02 * ((hash(name || i) % 1000) / 500.0 - 1)) AS value,
    CASE WHEN i < 10 * 96 THEN 'train' WHEN i < 14 * 96 THEN 'validation' ELSE 'test' END AS split
  FROM (VALUES ('latency', 100.0), ('load', 1.0)) AS named(name, size), range(17 * 96) AS t(i)`;

let base: string;
let model: SeriesModel;
let points: SeriesPoints;

async function layChannels(): Promise<void> {
  await withDatabase(async (database) => {
    for (const split of ['train', 'validation', 'test']) {
      await database.execute(
        `COPY (SELECT * EXCLUDE (split) FROM (${POINTS}) WHERE split = ${literal(split)} ORDER BY series, "time")
         TO ${literal(join(channelFolder(base, split), `${split}.parquet`))} (FORMAT parquet)`,
      );
    }
  });
  writeFileSync(
    join(channelFolder(base, 'declaration'), `${'0'.repeat(64)}.json`),
    JSON.stringify({ name: 'made-up-series', kind: 'metric-anomaly', series: SERIES }),
  );
}

async function load(): Promise<SeriesModel> {
  const loaded = await loadPackaged(join(base, 'model'), 'made-up', 'made-up-v1.0.0');
  if (loaded.kind !== 'metric-anomaly') throw new Error(`found a ${loaded.kind}`);
  return loaded;
}

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'meridian-series-training-'));
  await layChannels();
  const args = Object.entries(QUICK).flatMap(([name, value]) => [`--${name}`, String(value)]);
  await promisify(execFile)(await torchPython(), [PROGRAM, ...args], {
    env: {
      PATH: process.env['PATH'],
      SAGEMAKER_BASE_DIR: base,
      SM_NUM_CPUS: '1',
      OMP_WAIT_POLICY: 'PASSIVE',
    },
  });
  model = await load();
  points = pointsOf(await readParquetAsArrow(join(base, 'input/data/test/test.parquet')));
});
afterAll(async () => {
  await model?.release();
  rmSync(base, { recursive: true, force: true });
});

/** The score of every point that has one, by its row, where the values of some rows are others. */
async function scoresWith(changes: Record<number, number> = {}): Promise<Map<number, number>> {
  const value = points.value.map((own, row) => changes[row] ?? own);
  const windows = windowsOf({ ...points, value }, model.signature);
  const scores = await model.score(windows);
  return new Map(Array.from(windows.newest, (row, index) => [row, scores[index]!]));
}

/** The row of a series' point that is so many quarters of an hour after the held-out days begin. */
const rowOf = (series: string, place: number): number =>
  points.series.indexOf(points.names.indexOf(series)) + place;

describe('the training program of series', () => {
  it('leaves exactly the files of an artifact, of every series a threshold', async () => {
    const left = await readdir(join(base, 'model'), { recursive: true });
    expect(left.filter((name) => name !== 'pictures').sort()).toEqual(FILES);
    const report = JSON.parse(
      await readFile(join(base, 'model', 'training.json'), 'utf8'),
    ) as TrainingReport & {
      series: Record<string, { threshold: number }>;
    };
    // The first seven points of each series and split have no whole window behind them.
    expect(report.rows).toEqual({ train: 2 * 953, validation: 2 * 377, test: 2 * 281 });
    expect(Object.keys(report.series)).toEqual(['latency', 'load']);
    expect(model.signature).toMatchObject({ series: ['latency', 'load'], everySeconds: 900, windowSteps: 8 });
  });

  it('calls few ordinary points anomalous', async () => {
    const scores = [...(await scoresWith()).values()];
    expect(scores).toHaveLength(2 * 281);
    expect(scores.filter((score) => score > 1).length / scores.length).toBeLessThan(0.1);
  });

  it.each([
    ['latency', 100, 800],
    ['load', 150, 8],
    ['load', 120, 0],
  ])('hits a point of %s that is as no other, and none before it', async (series, place, value) => {
    const row = rowOf(series, place);
    const [ordinary, changed] = [await scoresWith(), await scoresWith({ [row]: value })];
    expect(changed.get(row)).toBeGreaterThan(Math.max(1, ...ordinary.values()));
    const reached = [...ordinary.keys()].filter((other) => changed.get(other) !== ordinary.get(other));
    for (const other of reached)
      expect([other >= row, other < row + SERIES.windowSteps]).toEqual([true, true]);
  });

  it('hits a value that is ordinary at another time of the day', async () => {
    // A quarter of the day after midnight a series is at its highest, three quarters after at its lowest.
    const [highest, lowest] = [rowOf('load', 96 + 24), rowOf('load', 96 + 72)];
    const scores = await scoresWith({ [lowest]: points.value[highest]! });
    expect(scores.get(highest)).toBeLessThan(1);
    expect(scores.get(lowest)).toBeGreaterThan(1);
  });
});
