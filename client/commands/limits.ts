import { Command } from 'commander';
import type { LimitClaimant } from '../../contracts/limits';
import { limitsInUse } from '../limits';
import { print, table } from '../output';
import { withPlatform } from '../platform';

export function limitsCommand(): Command {
  return new Command('limits')
    .description('Show how many instances may train at a time, who holds them, and who waits')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) =>
      withPlatform(async (platform) => {
        const limits = await limitsInUse(platform.store(), await platform.temporal());
        print({ limits }, options, () =>
          limits.length === 0
            ? ['no limit is declared (config/limits.json, published by `npx meridian apply`)']
            : table(
                limits.flatMap(({ name, capacity, held, queue }) => [
                  [name, `${sum(held)} of ${capacity} in use`, `${queue.length} waiting`],
                  ...held.map((claim) => ['', 'holds', line(claim)]),
                  ...queue.map((claim, place) => ['', `waits, place ${place + 1}`, line(claim)]),
                ]),
              ),
        );
      }),
    );
}

const sum = (held: LimitClaimant[]): number => held.reduce((total, { units }) => total + units, 0);
const line = ({ holder, units, since }: LimitClaimant): string =>
  `${units}: ${holder}, since ${new Date(since).toISOString()}`;
