import { Command } from 'commander';
import { search } from '../../features/catalogue';
import { listFeatureViews } from '../../platform/feature-views';
import { listCatalogue } from '../feature-catalogue';
import { print, table } from '../output';
import { withPlatform } from '../platform';
import { joinCommand } from './features-join';
import { lineageCommand } from './features-lineage';
import { materializeCommand } from './features-materialize';
import { reuseCommand } from './features-reuse';
import { showCommand } from './features-show';

export function featuresCommand(): Command {
  return new Command('features')
    .description('Feature views: what there is, who uses it, and loading it')
    .addCommand(listCommand(), { isDefault: true })
    .addCommand(showCommand())
    .addCommand(searchCommand())
    .addCommand(lineageCommand())
    .addCommand(reuseCommand())
    .addCommand(materializeCommand())
    .addCommand(joinCommand());
}

function listCommand(): Command {
  return new Command('list')
    .description('Every published view: version, entity, owner, how far it is loaded, who uses it')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) =>
      withPlatform(async (platform) => {
        const rows = await listCatalogue(platform.store());
        print(rows, options, () =>
          table([
            ['VIEW', 'VERSION', 'ENTITY', 'FEATURES', 'TTL', 'OWNER', 'LOADED UP TO', 'USED BY'],
            ...rows.map((row) => [
              row.view,
              String(row.version),
              row.entity,
              String(row.features),
              inDays(row.ttlSeconds),
              row.owner,
              row.online ? (row.loadedUpTo ?? '-') : 'offline only',
              row.usedBy.join(', ') || '-',
            ]),
          ]),
        );
      }),
    );
}

const inDays = (seconds: number): string =>
  seconds === 0 ? 'unlimited' : `${Number((seconds / 86_400).toFixed(2))} d`;

function searchCommand(): Command {
  return new Command('search')
    .description('Views and features by name, description, tags or owner')
    .argument('<text...>', 'words that all have to be there')
    .option('--json', 'print JSON')
    .action((words: string[], options: { json?: boolean }) =>
      withPlatform(async (platform) => {
        const hits = search(await listFeatureViews(platform.store()), words.join(' '));
        print(hits, options, () =>
          hits.length === 0
            ? ['nothing found']
            : table(
                hits.map((hit) => [
                  hit.feature === null ? hit.view : `${hit.view}:${hit.feature}`,
                  hit.description,
                ]),
              ),
        );
      }),
    );
}
