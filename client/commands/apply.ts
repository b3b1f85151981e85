import { Command } from 'commander';
import { models } from '../../models';
import { publishDeclaration, type Publication } from '../declarations';
import { print, table } from '../output';
import { withPlatform } from '../platform';

export function applyCommand(): Command {
  return new Command('apply')
    .description('Publish the declarations under models/ (runs in flight keep theirs)')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) =>
      withPlatform(async (platform) => {
        const store = platform.store();
        const published: Publication[] = [];
        for (const declaration of models) published.push(await publishDeclaration(store, declaration));
        print(published, options, () =>
          table(published.map(({ model, change, hash }) => [model, change, hash.slice(0, 12)])),
        );
      }),
    );
}
