import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { FeatureRow, GoldenRows } from '../../contracts/model';
import type { TabularModel } from '../../platform/onnx/loaded-model';
import { projectRoot } from '../../platform/project-root';
import { madeUpCustomers, madeUpInputs } from '../support/made-up-customers';
import { layChannels, loadPackaged, runTraining, xgboostPython } from '../support/training-program';

// A machine shared with others may take many times what a quiet one takes.
jest.setTimeout(120_000);

const PROGRAM = join(projectRoot(), 'tests', 'training', 'contributions.py');
const QUICK = ['--num_round', '60', '--learning_rate', '0.2', '--max_depth', '5'];
/** The bound; XGBoost adds up in single precision. */
const TOLERANCE = 1e-4;

describe.each(['tabular-classifier', 'tabular-regressor'] as const)('explanations of a %s', (kind) => {
  let base: string;
  let python: string;
  let model: TabularModel;
  let golden: FeatureRow[];

  beforeAll(async () => {
    base = mkdtempSync(join(tmpdir(), 'meridian-explanations-'));
    python = await xgboostPython();
    await layChannels(base, madeUpCustomers(2000), madeUpInputs, kind);
    expect(await runTraining(base, QUICK)).toMatchObject({ status: 0, failure: null });
    model = (await loadPackaged(join(base, 'model'), 'made-up', 'made-up-v1.0.0')) as TabularModel;
    const file = readFileSync(join(base, 'model', 'golden.json'), 'utf8');
    golden = (JSON.parse(file) as GoldenRows).rows.map(({ features }) => features);
  });
  afterAll(async () => {
    await model?.release();
    rmSync(base, { recursive: true, force: true });
  });

  /** By XGBoost itself: a contribution an input, and the base last. */
  function reference(rows: readonly FeatureRow[]): number[][] {
    const encoded = rows.map((row) => {
      const values = new Float32Array(model.encoder.width);
      expect(model.encoder.encode(row, values, 0)).toEqual([]);
      return Array.from(values, (value) => (Number.isNaN(value) ? null : value));
    });
    const input = JSON.stringify(encoded);
    const output = execFileSync(python, [PROGRAM, join(base, 'model', 'model.ubj')], { input });
    return JSON.parse(output.toString()) as number[][];
  }

  function expectLikeXgboost(rows: readonly FeatureRow[]): void {
    const expected = reference(rows);
    rows.forEach((row, index) => {
      const { base_value, contributions } = model.explain!(row);
      expect(Object.keys(contributions)).toEqual(model.inputs.map(({ name }) => name));
      [...Object.values(contributions), base_value].forEach((value, column) => {
        expect(Math.abs(value - expected[index]![column]!)).toBeLessThanOrEqual(TOLERANCE);
      });
    });
  }

  it("are XGBoost's own on golden rows", () => {
    expectLikeXgboost(golden);
  });

  it("are XGBoost's own on rows made of any values, missing ones too", () => {
    const names = model.inputs.map(({ name }) => name);
    const mixed = fc.record(
      Object.fromEntries(
        names.map((name) => [
          name,
          fc.oneof(fc.constant(null), fc.constantFrom(...golden.map((row) => row[name] ?? null))),
        ]),
      ),
    ) as fc.Arbitrary<FeatureRow>;
    expectLikeXgboost(fc.sample(mixed, { numRuns: 200, seed: 7 }));
  });

  it('add up to the answer', async () => {
    for (const row of golden.slice(0, 20)) {
      const [answer] = await model.predictRows([row]);
      const { base_value, contributions } = model.explain!(row);
      const margin = Object.values(contributions).reduce((sum, value) => sum + value, base_value);
      const value = kind === 'tabular-classifier' ? 1 / (1 + Math.exp(-margin)) : margin;
      expect(value).toBeCloseTo(answer!.prediction as number, 4);
    }
  });
});
