import { existedAlready, orNull, type Mlflow } from '../../platform/mlflow';

export interface Point {
  key: string;
  value: number;
  step: number;
  /** Epoch milliseconds. */
  timestamp: number;
}

/** `log-batch` takes at most so many metrics. */
const METRICS_A_BATCH = 1000;
const PARAMS_A_BATCH = 100;

/** The experiment's ID, created where it does not exist. */
export async function ensureExperiment(mlflow: Mlflow, name: string): Promise<string> {
  const find = () =>
    orNull(
      mlflow.get<{ experiment: { experiment_id: string } }>('experiments/get-by-name', {
        experiment_name: name,
      }),
    );
  const found = await find();
  if (found) return found.experiment.experiment_id;
  await existedAlready(mlflow.post('experiments/create', { name }));
  return (await find())!.experiment.experiment_id;
}

interface RunRequest {
  /** The version: one run a version, found again by its tag. */
  name: string;
  tags: Record<string, string>;
  params: Record<string, string>;
  startedAt: string;
  endedAt: string;
}

/** The run of that version, created, filled and finished once. */
export async function ensureRun(mlflow: Mlflow, experimentId: string, run: RunRequest): Promise<string> {
  let runId = await findRun(mlflow, experimentId, run.name);
  if (!runId) {
    const created = await createRun(mlflow, experimentId, run);
    // A request that seemed lost may have made one before: whoever asks takes the same of the two.
    runId = (await findRun(mlflow, experimentId, run.name)) ?? created;
  }
  const params = Object.entries(run.params).map(([key, value]) => ({ key, value }));
  for (let from = 0; from < params.length; from += PARAMS_A_BATCH) {
    await mlflow.post('runs/log-batch', { run_id: runId, params: params.slice(from, from + PARAMS_A_BATCH) });
  }
  await mlflow.post('runs/update', { run_id: runId, status: 'FINISHED', end_time: Date.parse(run.endedAt) });
  return runId;
}

async function findRun(mlflow: Mlflow, experimentId: string, version: string): Promise<string | null> {
  const { runs = [] } = await mlflow.post<{ runs?: { info: { run_id: string } }[] }>('runs/search', {
    experiment_ids: [experimentId],
    filter: `tags.\`meridian.version\` = '${version}'`,
    max_results: 100,
  });
  // Runs of one version all begin when its training began, so that their IDs must tell them apart.
  return runs.map(({ info }) => info.run_id).toSorted()[0] ?? null;
}

async function createRun(mlflow: Mlflow, experimentId: string, run: RunRequest): Promise<string> {
  const created = await mlflow.post<{ run: { info: { run_id: string } } }>('runs/create', {
    experiment_id: experimentId,
    run_name: run.name,
    start_time: Date.parse(run.startedAt),
    tags: Object.entries(run.tags).map(([key, value]) => ({ key, value })),
  });
  return created.run.info.run_id;
}

/**
 * Logs the points that the run does not have yet: MLflow itself would keep a repeated one twice. Of two for one step, the
 * later counts: a training that was interrupted does the steps after its checkpoint again.
 */
export async function logMissingMetrics(mlflow: Mlflow, runId: string, given: Point[]): Promise<void> {
  const points = [...new Map(given.map((point) => [`${point.key}@${point.step}`, point])).values()];
  const known = new Set<string>();
  for (const key of new Set(points.map((p) => p.key))) {
    for (const step of await loggedSteps(mlflow, runId, key)) known.add(`${key}@${step}`);
  }
  const missing = points.filter(({ key, step }) => !known.has(`${key}@${step}`));
  for (let from = 0; from < missing.length; from += METRICS_A_BATCH) {
    await mlflow.post('runs/log-batch', {
      run_id: runId,
      metrics: missing.slice(from, from + METRICS_A_BATCH),
    });
  }
}

async function loggedSteps(mlflow: Mlflow, runId: string, key: string): Promise<number[]> {
  const steps: number[] = [];
  let token = '';
  do {
    const page = await mlflow.get<{ metrics?: { step?: number }[]; next_page_token?: string }>(
      'metrics/get-history',
      { run_id: runId, metric_key: key, max_results: '25000', ...(token && { page_token: token }) },
    );
    steps.push(...(page.metrics ?? []).map(({ step }) => step ?? 0));
    token = page.next_page_token ?? '';
  } while (token);
  return steps;
}
