import { performance } from 'node:perf_hooks';
import type { Table } from 'apache-arrow';
import type { FeatureRow, FeatureValue } from '../../contracts/model';
import type { LoadedModel } from '../../platform/onnx/artifact';
import { quantile } from './bootstrap';

const ROWS = 200;
const WARM_UP = 50;
const CALLS = 500;

/** Milliseconds to validate, encode and score one row, as a lone request costs them. */
export async function measureLatency(
  model: LoadedModel,
  table: Table,
): Promise<{ p50: number; p95: number }> {
  const rows = featureRows(model, table);
  const target = new Float32Array(model.encoder.width);
  const times = new Float64Array(CALLS);
  for (let call = -WARM_UP; call < CALLS; call += 1) {
    const row = rows[(call + WARM_UP) % rows.length]!;
    const started = performance.now();
    model.encoder.encode(row, target, 0);
    await model.score(target, 1);
    if (call >= 0) times[call] = performance.now() - started;
  }
  times.sort();
  return { p50: quantile(times, 0.5), p95: quantile(times, 0.95) };
}

/** The table's first rows as requests bring them. */
function featureRows({ signature }: LoadedModel, table: Table): FeatureRow[] {
  const columns = signature.inputs.map(({ name, type }) => ({ name, type, values: table.getChild(name)! }));
  return Array.from({ length: Math.min(ROWS, table.numRows) }, (_, row) =>
    Object.fromEntries(
      columns.map(({ name, type, values }): [string, FeatureValue] => {
        const value = values.get(row) as FeatureValue | bigint;
        return [name, type === 'number' && value !== null ? Number(value) : (value as FeatureValue)];
      }),
    ),
  );
}
