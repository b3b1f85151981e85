import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createSeriesDatasetActivities } from '../../activities/datasets/series';
import type { DatasetManifest } from '../../contracts/dataset';
import { filesOf } from '../../local/main-job/trial';
import { importSeries } from '../../local/series';
import { readParquetAsArrow } from '../../platform/arrow';
import { literal, withDatabase } from '../../platform/duckdb';
import { toSeriesPrediction } from '../../platform/onnx/series-model';
import { pointsOf, windowsOf } from '../../platform/onnx/series-windows';
import { setStage, type Stage } from '../features/stage';
import { describeOnRealData } from '../support/real-data';
import { channelFolder, torchPython } from '../support/text-job';
import { loadPackaged, runProgram } from '../support/training-program';

// A quiet machine takes a tenth of it; one shared with others may take all.
jest.setTimeout(600_000);

const ALERT_RATE = 0.01;
const SPLITS = ['train', 'validation', 'test'] as const;
type Split = (typeof SPLITS)[number];

interface Scored {
  series: string;
  time: number;
  split: Split;
  score: number;
  anomalous: boolean;
}

/** Labelled windows by the name of their file, as the data's owners give them: times in UTC. */
type Labelled = Record<string, [from: string, to: string][]>;
const utc = (text: string): number => Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`);

describeOnRealData(
  'series as try declares, splits and trains them',
  'metrics-nab/anomaly-windows.json',
  (file) => {
    let stage: Stage;
    let base: string;
    let points: Scored[];
    const labelled = JSON.parse(readFileSync(file, 'utf8')) as Labelled;
    const windows = Object.entries(labelled).flatMap(([name, own]) =>
      own.map(([from, to]) => ({ series: basename(name, '.csv'), from, to })),
    );
    const of = (series: string) => points.filter((point) => point.series === series);
    const within = ({ series, from, to }: (typeof windows)[number]) =>
      of(series).filter(({ time }) => utc(from) <= time && time <= utc(to));

    beforeAll(async () => {
      base = mkdtempSync(join(tmpdir(), 'meridian-nab-'));
      stage = await setStage();
      const { declaration, lastDay } = await importSeries(stage.store, {
        name: 'nab',
        files: await filesOf(join(dirname(file), '*.csv')),
        time: 'timestamp',
        value: 'value',
        alertRate: ALERT_RATE,
      });
      const { snapshotSeries } = createSeriesDatasetActivities({ store: stage.store });
      const request = { declaration, declarationHash: '0'.repeat(64), asOf: lastDay };
      const { snapshot } = await stage.run(snapshotSeries, request);
      const { splits } = await stage.store.getJson<DatasetManifest>(`${snapshot.prefix}manifest.json`);
      const paths = SPLITS.map((split) => join(channelFolder(base, split), `${split}.parquet`));
      for (const [index, split] of SPLITS.entries())
        await stage.store.download(splits[split].key, paths[index]!);
      writeFileSync(
        join(channelFolder(base, 'declaration'), 'declaration.json'),
        JSON.stringify(declaration),
      );
      const args = Object.entries(declaration.training.hyperparameters).flatMap(([name, value]) => [
        `--${name}`,
        String(value),
      ]);
      const run = await runProgram(await torchPython(), declaration.training.program, base, args, {
        OMP_WAIT_POLICY: 'PASSIVE',
      });
      expect(run).toMatchObject({ status: 0, failure: null });
      points = await scoreAll(paths);
    });
    afterAll(async () => {
      rmSync(base, { recursive: true, force: true });
      await stage?.tearDown();
    });

    /** Every point that has a score, by the graph that serves: windows reach from one split into the next, as days are scored. */
    async function scoreAll(paths: string[]): Promise<Scored[]> {
      const model = await loadPackaged(join(base, 'model'), 'nab', 'nab-v1.0.0');
      if (model.kind !== 'metric-anomaly') throw new Error(`found a ${model.kind}`);
      const whole = join(base, 'whole.parquet');
      await withDatabase((database) =>
        database.execute(
          `COPY (SELECT * FROM read_parquet([${paths.map(literal).join(', ')}])) TO ${literal(whole)} (FORMAT parquet)`,
        ),
      );
      const splitOf = new Map<string, Split>();
      for (const [index, split] of SPLITS.entries()) {
        const own = pointsOf(await readParquetAsArrow(paths[index]!));
        own.time.forEach((time, row) => splitOf.set(`${own.names[own.series[row]!]} ${time}`, split));
      }
      const all = windowsOf(pointsOf(await readParquetAsArrow(whole)), model.signature);
      const scores = await model.score(all);
      await model.release();
      return Array.from(all.newest, (row, index) => {
        const series = all.points.names[all.points.series[row]!]!;
        const time = all.points.time[row]!;
        const { score, anomalous } = toSeriesPrediction(scores[index]!);
        return { series, time, split: splitOf.get(`${series} ${time}`)!, score, anomalous };
      });
    }

    it('are called anomalous in every window that people labelled, whichever split it lies in', () => {
      expect(windows.length).toBeGreaterThanOrEqual(6);
      const missed = windows.filter((window) => !within(window).some(({ anomalous }) => anomalous));
      expect(missed).toEqual([]);
    });

    it('are hit in the same windows where the share of each that is called anomalous is exactly the rate', () => {
      const missed = windows.filter((window) => {
        const ranked = of(window.series).toSorted((a, b) => b.score - a.score);
        const top = new Set(ranked.slice(0, Math.floor(ALERT_RATE * ranked.length)));
        return !within(window).some((point) => top.has(point));
      });
      expect(missed).toEqual([]);
    });

    it('are called anomalous no oftener than declared: all together, and each of those without a labelled window', () => {
      const quiet = Object.keys(labelled).filter((name) => labelled[name]!.length === 0);
      expect(quiet.length).toBeGreaterThan(0);
      for (const own of [points, ...quiet.map((name) => of(basename(name, '.csv')))])
        expect(own.filter(({ anomalous }) => anomalous).length / own.length).toBeLessThanOrEqual(ALERT_RATE);
    });

    it('are called anomalous in what was held out of every window that reaches into it', () => {
      const heldOut = windows
        .map((window) => within(window).filter(({ split }) => split === 'test'))
        .filter((own) => own.length > 0);
      expect(heldOut.length).toBeGreaterThanOrEqual(3);
      for (const own of heldOut) expect(own.some(({ anomalous }) => anomalous)).toBe(true);
    });
  },
);
