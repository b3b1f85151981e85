import type { Trial, TrialReport } from '../../contracts/tuning';
import type { Mlflow } from '../../platform/mlflow';
import type { ObjectStore } from '../../platform/s3';
import { limit } from '../../platform/concurrency';
import { logMissingMetrics, type Point } from './mlflow-runs';

interface TrialsRequest {
  /** S3 key of the search's report. */
  trialsKey: string;
  /** MLflow's run of the version that the best trial became. */
  runId: string;
}

const IN_FLIGHT = 4;
const PAGE = 1_000;

/** Which trial a run is of: a run of MLflow has no name that is its own. */
const TRIAL_TAG = 'meridian.trial';
const PARENT_TAG = 'mlflow.parentRunId';
const TUNING_TAG = 'meridian.tuning_job';

const STATUS = { Completed: 'FINISHED', Failed: 'FAILED', Stopped: 'KILLED' } as const;

export function createTrialActivities(store: ObjectStore, mlflow: Mlflow) {
  return {
    /**
     * Logs each trial of a search as a child of the version's run: what was searched, the objective, and what it took.
     * Doing it again adds nothing. @returns how many children the run has
     */
    async logTrials({ trialsKey, runId }: TrialsRequest): Promise<{ trials: number }> {
      const report = await store.getJson<TrialReport>(trialsKey);
      const parent = await readRun(mlflow, runId);
      const children = new TrialRuns(mlflow, parent);
      const known = await children.known();
      const inFlight = limit(IN_FLIGHT);
      await Promise.all(
        report.trials.map((trial) => inFlight(() => children.log(trial, report, known.get(trial.jobName)))),
      );
      await children.dropDoubles();
      await mlflow.post('runs/set-tag', { run_id: runId, key: TUNING_TAG, value: report.tuningJob });
      return { trials: report.trials.length };
    },
  };
}

interface RunInfo {
  run_id: string;
  experiment_id: string;
}

interface FoundRun {
  info: RunInfo;
  data: { tags?: { key: string; value: string }[] };
}

const readRun = async (mlflow: Mlflow, runId: string): Promise<RunInfo> =>
  (await mlflow.get<{ run: FoundRun }>('runs/get', { run_id: runId })).run.info;

/** The children of one run. */
class TrialRuns {
  constructor(
    private readonly mlflow: Mlflow,
    private readonly parent: RunInfo,
  ) {}

  /** The run of each trial that has one; of several the one with the least ID, whoever asks. */
  async known(): Promise<Map<string, string>> {
    return new Map((await this.all()).toReversed());
  }

  async log(trial: Trial, report: TrialReport, known: string | undefined): Promise<void> {
    const { mlflow } = this;
    const run_id = known ?? (await this.create(trial, report));
    const params = Object.entries(trial.hyperparameters).map(([key, value]) => ({
      key,
      value: String(value),
    }));
    await mlflow.post('runs/log-batch', { run_id, params });
    await logMissingMetrics(mlflow, run_id, pointsOf(trial, report));
    await mlflow.post('runs/update', {
      run_id,
      status: STATUS[trial.status],
      end_time: Date.parse(trial.endedAt),
    });
  }

  /** A request whose answer was lost, or another attempt beside this one, may have made a run twice. */
  async dropDoubles(): Promise<void> {
    const kept = await this.known();
    for (const [trial, run_id] of await this.all())
      if (kept.get(trial) !== run_id) await this.mlflow.post('runs/delete', { run_id });
  }

  private async create(trial: Trial, { tuningJob, best }: TrialReport): Promise<string> {
    const tags = {
      [PARENT_TAG]: this.parent.run_id,
      [TRIAL_TAG]: trial.jobName,
      [TUNING_TAG]: tuningJob,
      'meridian.job': trial.jobName,
      'meridian.best': String(trial.jobName === best),
      ...(trial.failureReason && { 'meridian.failure': trial.failureReason }),
    };
    const { run } = await this.mlflow.post<{ run: FoundRun }>('runs/create', {
      experiment_id: this.parent.experiment_id,
      run_name: trial.jobName,
      start_time: Date.parse(trial.startedAt),
      tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
    });
    return run.info.run_id;
  }

  /** Trial and run, in the order of the runs' IDs. */
  private async all(): Promise<[trial: string, runId: string][]> {
    const found: FoundRun[] = [];
    let page_token: string | undefined;
    do {
      const page = await this.mlflow.post<{ runs?: FoundRun[]; next_page_token?: string }>('runs/search', {
        experiment_ids: [this.parent.experiment_id],
        filter: `tags.\`${PARENT_TAG}\` = '${this.parent.run_id}'`,
        max_results: PAGE,
        page_token,
      });
      found.push(...(page.runs ?? []));
      page_token = page.next_page_token;
    } while (page_token);
    return found
      .flatMap(({ info, data }): [string, string][] => {
        const trial = data.tags?.find(({ key }) => key === TRIAL_TAG)?.value;
        return trial ? [[trial, info.run_id]] : [];
      })
      .toSorted(([, a], [, b]) => (a < b ? -1 : 1));
  }
}

/** A failed trial has no objective to log. */
function pointsOf(trial: Trial, { objective }: TrialReport): Point[] {
  const values: Record<string, number | null> = {
    [objective.metric]: trial.objective,
    training_seconds: trial.trainingSeconds,
    billable_seconds: trial.billableSeconds,
  };
  return Object.entries(values).flatMap(([key, value]) =>
    value === null ? [] : [{ key, value, step: 0, timestamp: Date.parse(trial.endedAt) }],
  );
}
