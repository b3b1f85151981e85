import type { DatasetManifest } from '../../contracts/dataset';
import { Key } from '../../contracts/ids';
import type { Mlflow } from '../../platform/mlflow';
import type { ObjectStore } from '../../platform/s3';

/** MLflow's limit on a digest. */
const MAX_DIGEST = 36;

interface DatasetInput {
  dataset: { name: string; digest: string };
}

/** Logs the snapshot that a run was trained on as its input, once: name, digest, where it lies, columns and rows. */
export async function logDatasetInput(
  mlflow: Mlflow,
  store: ObjectStore,
  runId: string,
  { model, snapshot }: { model: string; snapshot: string },
): Promise<void> {
  const prefix = Key.dataset(model, snapshot);
  const name = `datasets/${model}`;
  const digest = snapshot.slice(0, MAX_DIGEST);
  const { run } = await mlflow.get<{ run: { inputs?: { dataset_inputs?: DatasetInput[] } } }>('runs/get', {
    run_id: runId,
  });
  const logged = run.inputs?.dataset_inputs ?? [];
  if (logged.some(({ dataset }) => dataset.name === name && dataset.digest === digest)) return;
  const manifest = await store.getJson<DatasetManifest>(`${prefix}manifest.json`);
  await mlflow.post('runs/log-inputs', {
    run_id: runId,
    datasets: [
      {
        tags: [{ key: 'mlflow.data.context', value: 'training' }],
        dataset: {
          name,
          digest,
          source_type: 's3',
          source: JSON.stringify({ uri: store.uri(prefix) }),
          schema: JSON.stringify(schemaOf(manifest)),
          profile: JSON.stringify(profileOf(manifest)),
        },
      },
    ],
  });
}

/** The columns as MLflow's UI lists them. */
const schemaOf = ({ columns }: DatasetManifest) => ({
  mlflow_colspec: columns.map(({ name, type }) => ({ name, type, required: false })),
});

function profileOf({ splits, window, views }: DatasetManifest) {
  const rows = Object.entries(splits).map(([split, { rows: count }]) => [split, count] as const);
  return {
    num_rows: rows.reduce((sum, [, count]) => sum + count, 0),
    rows: Object.fromEntries(rows),
    as_of: window.asOf,
    views: views.map((view) => `${view.name} v${view.version}`),
  };
}
