import { Command } from 'commander';
import type { MaterializeFeaturesInput } from '../../contracts/generated/types';
import { WorkflowId } from '../../contracts/ids';
import { TaskQueue } from '../../contracts/task-queues';
import { follow } from '../../local/main-job/workflow-runs';
import { readFeatureView } from '../../platform/feature-views';
import type { MaterializeResult } from '../../workflows/materialize-features';
import { lastCompleteDay } from '../../workflows/shared/pacific-date';
import { print } from '../output';
import { withPlatform } from '../platform';

interface Options {
  from?: string;
  to: string;
  recompute?: boolean;
  wait: boolean;
  json?: boolean;
}

export function materializeCommand(): Command {
  return new Command('materialize')
    .description('Compute a view’s days and load the newest of every entity into the online store')
    .argument('<view>', 'such as customer_usage')
    .option('--from <date>', 'the first day to compute (YYYY-MM-DD); default: the same as --to')
    .option('--to <date>', 'the last; default: the last complete day', lastCompleteDay(new Date()))
    .option('--recompute', 'compute days again whose partitions are there')
    .option('--no-wait', 'do not wait for the end')
    .option('--json', 'print JSON')
    .action((view: string, options: Options) =>
      withPlatform(async (platform) => {
        const { name } = await readFeatureView(platform.store(), view);
        const { from = options.to, to, recompute = false } = options;
        const input: MaterializeFeaturesInput = {
          from,
          date: to,
          views: [name],
          recompute,
          trigger: 'person',
        };
        const workflowId = `${WorkflowId.materializeFeatures(`${from}..${to}`)}/${name}${recompute ? '/again' : ''}`;
        const client = await platform.temporal();
        // One that runs already is followed; one that has ended is started again, for what has come since.
        await client.workflow.start('materializeFeatures', {
          workflowId,
          taskQueue: TaskQueue.pipelines,
          args: [input],
          staticSummary: `Materialize ${name}, ${from} to ${to}`,
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          workflowIdConflictPolicy: 'USE_EXISTING',
        });
        if (!options.wait) {
          print({ workflowId }, options, () => [`started ${workflowId}`]);
          return;
        }
        const result = await follow<MaterializeResult>(client, workflowId);
        print({ workflowId, ...result }, options, () =>
          result.views.map(({ view: loaded, version, entities, written, removed, watermark }) =>
            watermark === null
              ? `${loaded} version ${version}: ${entities} entities, kept offline only`
              : `${loaded} version ${version}: ${entities} entities, ${written} written, ${removed} removed, loaded up to ${watermark}`,
          ),
        );
      }),
    );
}
