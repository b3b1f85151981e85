import { userInfo } from 'node:os';
import { Argument, Command } from 'commander';
import { print } from '../output';
import { withPlatform } from '../platform';

export function resolveCommand(): Command {
  return new Command('resolve')
    .description('Decide what becomes of the step a run is parked at')
    .argument('<workflow-id>', 'such as retrain/churn/2026-12-01')
    .addArgument(new Argument('<action>').choices(['retry', 'skip', 'abort']))
    .option('--note <text>', 'why, kept on record', '')
    .option('--by <name>', 'who decided', userInfo().username)
    .option('--json', 'print JSON')
    .action((workflowId: string, action: string, options: { note: string; by: string; json?: boolean }) =>
      withPlatform(async (platform) => {
        const client = await platform.temporal();
        const { note, by } = options;
        const answer = await client.workflow
          .getHandle(workflowId)
          .executeUpdate<string, [object]>('resolveFailure', { args: [{ action, note, by }] });
        print({ workflowId, answer }, options, () => [`${workflowId}: ${answer}`]);
      }),
    );
}
