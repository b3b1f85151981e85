import type { CostEstimate } from '../../contracts/cost';
import type { Provenance } from '../../contracts/decision';
import { Key } from '../../contracts/ids';
import type { Hardware, MetricLine, ModelDeclaration, TrainingReport } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import type { TrainingOutcome } from '../../contracts/training';
import type { ObjectStore } from '../../platform/s3';
import type { Point } from './mlflow-runs';

/** What MLflow shows where nobody knows. */
const UNKNOWN = 'unknown';

/** Where a version comes from, as tags of its run and of its entry in the registry. */
export function provenanceTags(served: ServedVersion, provenance: Provenance): Record<string, string> {
  const { source } = provenance;
  return {
    'meridian.version': served.version,
    'meridian.artifact_sha256': served.sha256,
    'meridian.declaration': provenance.declarationHash,
    'meridian.code': provenance.codeHash,
    'meridian.commit': source?.commit ?? UNKNOWN,
    'meridian.dirty': source?.commit ? String(source.dirtyDiffKey !== null) : UNKNOWN,
    'meridian.snapshot': provenance.snapshot,
    'meridian.job': provenance.jobName,
    'meridian.workflow': provenance.workflowId,
    'meridian.run': provenance.runId,
    'meridian.trigger': provenance.trigger,
    'meridian.reason': provenance.reason,
  };
}

/** The same for the run alone, with the tags that MLflow's own pages show. */
export const runTags = (
  { training }: ModelDeclaration,
  served: ServedVersion,
  provenance: Provenance,
): Record<string, string> => ({
  ...provenanceTags(served, provenance),
  'mlflow.source.name': training.program,
  'mlflow.source.git.commit': provenance.source?.commit ?? UNKNOWN,
});

/** What the run was given, and what it ran on. */
export function runParams(report: TrainingReport, { training }: ModelDeclaration): Record<string, string> {
  const { python, packages, hardware } = report.environment;
  const entries: [string, unknown][] = [
    ...Object.entries(report.hyperparameters),
    ['seed', report.seed],
    ['framework', report.framework],
    ['python', python],
    ...Object.entries(packages).map(([name, version]): [string, unknown] => [`package.${name}`, version]),
    ...Object.entries(report.rows).map(([split, rows]): [string, unknown] => [`rows.${split}`, rows]),
    ...(hardware ? hardwareParams(hardware, training) : []),
  ];
  return Object.fromEntries(entries.map(([key, value]) => [key, String(value)]));
}

function hardwareParams(
  { instanceType, cpu, cpus, memoryBytes, gpus }: Hardware,
  training: ModelDeclaration['training'],
): [string, unknown][] {
  return [
    ['hardware.instance_type', instanceType ?? training.instanceType],
    ['hardware.instance_count', training.instanceCount],
    ['hardware.cpu', cpu ?? UNKNOWN],
    ['hardware.cpus', cpus],
    ['hardware.memory_gib', memoryBytes === null ? UNKNOWN : (memoryBytes / 2 ** 30).toFixed(1)],
    ['hardware.gpus', gpus.join(', ') || 'none'],
  ];
}

interface Measured {
  model: string;
  version: string;
  report: TrainingReport;
  outcome: TrainingOutcome;
  estimate: CostEstimate | null;
}

/** Metrics by step as the program wrote them, its final figures, and what the training took. */
export async function runPoints(
  store: ObjectStore,
  { model, version, report, outcome, estimate }: Measured,
): Promise<Point[]> {
  const file = await store.get(`${Key.version(model, version)}metrics.jsonl`);
  const lines = file.toString('utf8').split('\n').filter(Boolean);
  const bySteps = lines.flatMap((line) => {
    const { step, timestamp, metrics } = JSON.parse(line) as MetricLine;
    return Object.entries(metrics).map(([key, value]): Point => ({ key, value, step, timestamp }));
  });
  const timestamp = Date.parse(outcome.endedAt);
  const final: Record<string, number | null | undefined> = {
    ...Object.fromEntries(Object.entries(report.metrics).map(([name, value]) => [`final.${name}`, value])),
    best_iteration: report.bestIteration,
    onnx_max_difference: report.parity.maxDifference,
    training_seconds: outcome.trainingSeconds,
    billable_seconds: outcome.billableSeconds,
    cost_dollars: outcome.cost?.dollars,
    spot_saving_percent: outcome.cost?.spotSavingPercent,
    estimated_dollars_low: estimate?.dollars?.low,
    estimated_dollars_high: estimate?.dollars?.high,
  };
  const known = Object.entries(final).filter((entry): entry is [string, number] => Number.isFinite(entry[1]));
  return [...bySteps, ...known.map(([key, value]): Point => ({ key, value, step: 0, timestamp }))];
}
