import { Command } from 'commander';
import { reuseOf } from '../../features/catalogue';
import { listFeatureViews } from '../../platform/feature-views';
import { listServices } from '../feature-catalogue';
import { print, table } from '../output';
import { withPlatform } from '../platform';

export function reuseCommand(): Command {
  return new Command('reuse')
    .description('Which models use which feature, and how many features more than one uses')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) =>
      withPlatform(async (platform) => {
        const store = platform.store();
        const reuse = reuseOf(await listFeatureViews(store), await listServices(store));
        print(reuse, options, () => [
          ...table([
            ['FEATURE', 'USED BY'],
            ...reuse.uses.map(({ view, feature, models }) => [`${view}:${feature}`, models.join(', ')]),
          ]),
          '',
          `${reuse.used} of ${reuse.features} features used, ${reuse.shared} by two models or more: ` +
            `reuse rate ${(100 * reuse.reuseRate).toFixed(1)} %`,
          `unused: ${reuse.unused.map(({ view, feature }) => `${view}:${feature}`).join(', ') || 'none'}`,
        ]);
      }),
    );
}
