import { Command } from 'commander';
import { applySchedules, nextTimes, planSchedules, type ScheduleChange } from '../../schedules';
import { print, table } from '../output';
import { withPlatform } from '../platform';

type Json = { json?: boolean };

export function schedulesCommand(): Command {
  const plan = new Command('plan')
    .description('What apply would change on the server')
    .option('--json', 'print JSON')
    .action((options: Json) =>
      withPlatform(async (platform) => {
        show(await planSchedules(await platform.temporal()), options);
      }),
    );
  const apply = new Command('apply')
    .description('Create, update and prune the schedules')
    .option('--json', 'print JSON')
    .action((options: Json) =>
      withPlatform(async (platform) => {
        show(await applySchedules(await platform.temporal()), options);
      }),
    );
  const next = new Command('next')
    .description('When a schedule runs, as the server computes it')
    .argument('<id>', 'the schedule, such as retrain-churn')
    .option('--from <time>', 'ISO 8601; default: now')
    .option('--to <time>', 'ISO 8601; default: 90 days after from')
    .option('--json', 'print JSON')
    .action((id: string, options: Json & { from?: string; to?: string }) =>
      withPlatform(async (platform) => {
        const from = time('--from', options.from) ?? new Date();
        const to = time('--to', options.to) ?? new Date(from.getTime() + 90 * 86_400_000);
        const times = await nextTimes(await platform.temporal(), id, from, to);
        print(times, options, () => times);
      }),
    );
  return new Command('schedules')
    .description('The schedules: plan, apply, next')
    .addCommand(plan)
    .addCommand(apply)
    .addCommand(next);
}

function time(option: string, text?: string): Date | undefined {
  if (text === undefined) return undefined;
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new Error(`${option}: expected an ISO 8601 time, found "${text}".`);
  return date;
}

function show(changes: ScheduleChange[], options: Json): void {
  print(changes, options, () =>
    table(changes.map(({ id, change, differences }) => [id, change, differences.join('; ')])),
  );
}
