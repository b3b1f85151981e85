import { Command } from 'commander';
import { featureViews } from '../../features';
import { models } from '../../models';
import { publishDeclaration, type Publication } from '../declarations';
import { exportFeastRepo } from '../feast-repo';
import { publishFeatureView, type ViewPublication } from '../feature-views';
import { publishLimits } from '../limits';
import { print, table } from '../output';
import { withPlatform } from '../platform';

interface Options {
  feastRepo?: string;
  json?: boolean;
}

export function applyCommand(): Command {
  return new Command('apply')
    .description(
      'Publish the views under features/ and the models under models/ (runs in flight keep theirs)',
    )
    .option('--feast-repo <folder>', 'where the repo for Feast is written; default: MERIDIAN_FEAST_REPO')
    .option('--json', 'print JSON')
    .action((options: Options) =>
      withPlatform(async (platform) => {
        const store = platform.store();
        const views: ViewPublication[] = [];
        for (const view of featureViews) views.push(await publishFeatureView(store, view));
        const published: Publication[] = [];
        for (const declaration of models) published.push(await publishDeclaration(store, declaration));
        const limits = await publishLimits(store);
        const { redisUrl, s3 } = platform.config;
        const folder = options.feastRepo ?? process.env['MERIDIAN_FEAST_REPO'];
        if (folder) await exportFeastRepo(store, { folder, redisUrl, s3Endpoint: s3.endpoint });
        print({ views, models: published, limits }, options, () =>
          table([
            ...views.map(({ view, version, change, hash }) => [
              `view ${view} v${version}`,
              change,
              hash.slice(0, 12),
            ]),
            ...published.map(({ model, change, hash }) => [`model ${model}`, change, hash.slice(0, 12)]),
            ['limits', limits, ''],
          ]),
        );
      }),
    );
}
