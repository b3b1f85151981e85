import { Command } from 'commander';
import { batchManifestKey, type BatchManifest } from '../../contracts/batch';
import { daysBetween, type Day } from '../../contracts/days';
import type { ScoreBatchInput } from '../../contracts/generated/types';
import { WorkflowId } from '../../contracts/ids';
import { TaskQueue } from '../../contracts/task-queues';
import { follow } from '../../local/main-job/workflow-runs';
import type { ObjectStore } from '../../platform/s3';
import type { ScoreBatchResult } from '../../workflows/score-batch';
import { lastCompleteDay } from '../../workflows/shared/pacific-date';
import { print, table } from '../output';
import { withPlatform } from '../platform';

interface Options {
  from?: string;
  to: string;
  wait: boolean;
  json?: boolean;
}

export function scoreBatchCommand(): Command {
  return new Command('score-batch')
    .description('Score days of points with the version that serves, and write what is anomalous')
    .argument('<model>', 'a model of metrics, such as anomaly-detector')
    .option('--from <date>', 'the first day to score (YYYY-MM-DD); default: the same as --to')
    .option('--to <date>', 'the last; default: the last complete day', lastCompleteDay(new Date()))
    .option('--no-wait', 'do not wait for the end')
    .option('--json', 'print JSON')
    .action((model: string, options: Options) =>
      withPlatform(async (platform) => {
        const { from = options.to, to } = options;
        const input: ScoreBatchInput = { model, from, date: to, trigger: 'person' };
        const workflowId = WorkflowId.scoreBatch(model, `${from}..${to}`);
        const client = await platform.temporal();
        // One that runs already is followed; one that has ended is started again, and scores only what is missing.
        await client.workflow.start('scoreBatch', {
          workflowId,
          taskQueue: TaskQueue.pipelines,
          args: [input],
          staticSummary: `Score ${model}, ${from} to ${to}`,
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          workflowIdConflictPolicy: 'USE_EXISTING',
        });
        if (!options.wait) {
          print({ workflowId }, options, () => [`started ${workflowId}`]);
          return;
        }
        const result = await follow<ScoreBatchResult>(client, workflowId);
        const partitions = await readPartitions(platform.store(), result, daysBetween(from, to));
        print({ workflowId, ...result, partitions }, options, () => describe(result, partitions));
      }),
    );
}

/** What lies in each day's partition now, whichever run wrote it. */
function readPartitions(
  store: ObjectStore,
  { model, version, skipped }: ScoreBatchResult,
  days: readonly Day[],
): Promise<BatchManifest[]> {
  const scored = days.filter((day) => !skipped.includes(day));
  return Promise.all(
    scored.map((day) => store.getJson<BatchManifest>(batchManifestKey(model, day, version))),
  );
}

function describe(
  { version, days, anomalous, scored, skipped, unknownSeries }: ScoreBatchResult,
  partitions: readonly BatchManifest[],
): string[] {
  return [
    ...table([
      ['DAY', 'POINTS', 'SCORED', 'ANOMALOUS', 'OBJECT'],
      ...partitions.map((one) => [
        one.day,
        String(one.points),
        String(one.scored),
        String(one.anomalous),
        one.object.key,
      ]),
    ]),
    `${version}: ${anomalous} of ${scored} points are anomalous; ${days.written} days written, ${days.kept} stood already`,
    ...(skipped.length > 0 ? [`skipped: ${skipped.join(', ')}`] : []),
    ...(unknownSeries.length > 0 ? [`not scored, as not learnt: ${unknownSeries.join(', ')}`] : []),
  ];
}
