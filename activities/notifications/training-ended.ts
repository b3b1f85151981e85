import { createHash } from 'node:crypto';
import { inDollars } from '../../contracts/cost';
import { Key, WorkflowId } from '../../contracts/ids';
import type { TrainingEnd } from '../../contracts/training-end';
import type { Config } from '../../platform/config';
import type { ObjectStore } from '../../platform/s3';
import type { Say } from '../../platform/slack';
import type { Telemetry } from '../../platform/telemetry';
import { workflowLink } from './workflow-link';

interface Dependencies {
  say: Say;
  telemetry: Telemetry;
  store: Pick<ObjectStore, 'head' | 'create'>;
  config: Pick<Config, 'links' | 'mlflowUrl' | 'sagemaker'> & {
    temporal: Pick<Config['temporal'], 'namespace'>;
  };
}

const HEADLINES: Record<TrainingEnd['ended'], (end: TrainingEnd) => string> = {
  completed: ({ version, verdict }) => `${version} is trained: verdict ${verdict}`,
  failed: ({ model }) => `Training ${model} failed`,
  aborted: ({ model }) => `Training ${model} was aborted`,
  cancelled: ({ model }) => `Training ${model} was cancelled`,
};

/** What who started a training is told at its end. */
export function createTrainingEndedActivities({ say, telemetry, store, config }: Dependencies) {
  return {
    /**
     * Tells how a training ended, once: what was told is on record, and an attempt that comes between message and record
     * gives Slack the same message ID again.
     */
    async notifyTrainingEnded(end: TrainingEnd): Promise<void> {
      const id = createHash('sha256').update(`${end.workflowId}/${end.runId}/training ended`).digest('hex');
      const record = Key.told(id);
      if (await store.head(record)) return;
      const { model, trigger, ended, verdict } = end;
      await say(HEADLINES[ended](end), describe(end, config), { id: asUuid(id) });
      if (await store.create(record, JSON.stringify({ workflowId: end.workflowId, ended })))
        telemetry.count('training.ended', 1, { model, trigger, ended, verdict: verdict ?? 'none' });
    },
  };
}

function describe(end: TrainingEnd, config: Dependencies['config']): string {
  const lines = [
    `${starter(end)} started it${end.reason ? `: ${end.reason}` : ''}. It took ${inWords(end.seconds)}.`,
    end.problem && `\`\`\`${end.problem.slice(0, 1200)}\`\`\``,
    end.metrics && `Held out: ${figures(end.metrics)}`,
    staysInStaging(end, config),
    costs(end),
    links(end, config).join(' · '),
  ];
  return lines.filter(Boolean).join('\n');
}

/** A Slack user ID becomes a mention. */
function starter({ by, trigger }: TrainingEnd): string {
  if (!by) return `A ${trigger === 'person' ? 'person' : trigger}`;
  return /^[UW][A-Z0-9]{7,}$/.test(by) ? `<@${by}>` : `${by} (${trigger})`;
}

/** The first few: a message is no report. */
const MOST_FIGURES = 8;
const figures = (metrics: Record<string, number>): string =>
  Object.entries(metrics)
    .slice(0, MOST_FIGURES)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(', ');

function costs({ trainingSeconds, billableSeconds, cost, estimate }: TrainingEnd): string | null {
  if (trainingSeconds === null || billableSeconds === null) return null;
  const saving = cost?.spotSavingPercent;
  const parts = [
    typeof cost?.dollars === 'number' && `Cost ${inDollars(cost.dollars)}`,
    estimate?.dollars &&
      `estimated ${inDollars(estimate.dollars.low)} to ${inDollars(estimate.dollars.high)}`,
    `${trainingSeconds} s of training, ${billableSeconds} s billable`,
    saving && saving > 0 && `spot saved ${saving.toFixed(0)} %`,
  ];
  return parts.filter(Boolean).join('; ');
}

function staysInStaging(
  { model, version, verdict }: TrainingEnd,
  { links: to, temporal }: Dependencies['config'],
): string | null {
  if (version === null || verdict === null || verdict === 'pass') return null;
  const evaluation = workflowLink(to, temporal.namespace, WorkflowId.evaluate(model, version));
  return `It stays in Staging. Every rule with its numbers: ${evaluation}`;
}

function links(
  end: TrainingEnd,
  { links: to, mlflowUrl, sagemaker, temporal }: Dependencies['config'],
): string[] {
  const { workflowId, runId, jobName, mlflow } = end;
  return [
    workflowLink(to, temporal.namespace, workflowId, runId),
    ...(mlflow
      ? [`<${mlflowUrl}/#/experiments/${mlflow.experimentId}/runs/${mlflow.runId}|MLflow run>`]
      : []),
    ...(jobName ? jobLinks(jobName, sagemaker) : []),
  ];
}

/** The job and its log: in AWS's console, or at the local service. */
function jobLinks(jobName: string, { endpoint, region }: Config['sagemaker']): string[] {
  if (endpoint) return [`<${endpoint}/_local/training-jobs/${jobName}/log|log of ${jobName}>`];
  const console = `https://${region}.console.aws.amazon.com`;
  const log = `$252Faws$252Fsagemaker$252FTrainingJobs/log-events$3Fstart$3D0$26logStreamNamePrefix$3D${jobName}`;
  return [
    `<${console}/sagemaker/home?region=${region}#/jobs/${jobName}|${jobName}>`,
    `<${console}/cloudwatch/home?region=${region}#logsV2:log-groups/log-group/${log}|log>`,
  ];
}

function inWords(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 2 * 3600 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** Slack takes UUIDs for message IDs. */
const asUuid = (hex: string): string =>
  [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
