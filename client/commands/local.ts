import { Command } from 'commander';
import {
  asShellExports,
  localDown,
  localEnv,
  localLogs,
  localRestart,
  localStatus,
  localUp,
} from '../../local/stack/commands';
import { print, table } from '../output';

type Json = { json?: boolean };

export function localCommand(): Command {
  return new Command('local')
    .description('The platform on this machine: real servers, no containers')
    .addCommand(
      new Command('up')
        .description('Start what does not run')
        .option('--json', 'print JSON')
        .action(async (options: Json) => {
          const parts = await localUp();
          print(parts, options, () => statusLines(parts));
        }),
    )
    .addCommand(
      new Command('down')
        .description('Stop everything')
        .option('--json', 'print JSON')
        .action(async (options: Json) => {
          const stopped = await localDown();
          print(stopped, options, () => ['stopped']);
        }),
    )
    .addCommand(
      new Command('status')
        .description('Each part and its address')
        .option('--json', 'print JSON')
        .action(async (options: Json) => {
          const parts = await localStatus();
          print(parts, options, () => statusLines(parts));
        }),
    )
    .addCommand(
      new Command('logs')
        .description('The end of a part’s log')
        .argument('<part>')
        .option('-n, --lines <count>', 'how many lines', '50')
        .option('--json', 'print JSON')
        .action(async (part: string, options: Json & { lines: string }) => {
          const log = await localLogs(part, Number(options.lines));
          print({ part, log }, options, () => [log]);
        }),
    )
    .addCommand(
      new Command('env')
        .description('Shell exports for everything that talks to it')
        .option('--json', 'print JSON')
        .action(async (options: Json) => {
          const env = localEnv();
          print(env, options, () => [asShellExports(env)]);
        }),
    )
    .addCommand(
      new Command('restart')
        .description('Stop and start one part')
        .argument('<part>')
        .option('--json', 'print JSON')
        .action(async (part: string, options: Json) => {
          const parts = await localRestart(part);
          print(parts, options, () => statusLines(parts));
        }),
    );
}

function statusLines(parts: Awaited<ReturnType<typeof localStatus>>): string[] {
  return table(
    parts.map(({ name, state, ports, pid, problem }) => [
      name,
      state,
      Object.values(ports).join(', '),
      pid ? `pid ${pid}` : '',
      problem ?? '',
    ]),
  );
}
