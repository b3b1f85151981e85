import { Command } from 'commander';
import { traceLineage, type Lineage, type ModelLineage } from '../feature-lineage';
import { print } from '../output';
import { withPlatform } from '../platform';

export function lineageCommand(): Command {
  return new Command('lineage')
    .description('Where a view or feature comes from, and the models, versions and snapshots it goes into')
    .argument('<view[:feature]>', 'such as customer_usage or customer_usage:sessions_7d')
    .option('--json', 'print JSON')
    .action((reference: string, options: { json?: boolean }) =>
      withPlatform(async (platform) => {
        const lineage = await traceLineage(platform.store(), reference);
        print(lineage, options, () => [
          ...upstream(lineage),
          ...lineage.models.flatMap(downstream),
          ...(lineage.models.length === 0 ? ['  goes into no model'] : []),
        ]);
      }),
    );
}

function upstream({ view, version, feature, sources, origin, offline, loadedUpTo }: Lineage): string[] {
  return [
    `${feature === null ? view : `${view}:${feature}`} (version ${version})`,
    ...sources.map(({ key, days }) => `  from ${key} (${days} days)`),
    ...(origin === 'computed' ? [] : [`  ${origin} by others`]),
    `  kept at ${offline}, online up to ${loadedUpTo ?? '(never loaded)'}`,
  ];
}

function downstream({ model, declared, versions, snapshots }: ModelLineage): string[] {
  return [
    declared
      ? `  goes into ${model} (version ${declared.viewVersion}): ${declared.features.join(', ')}`
      : `  went into ${model}, which no longer uses it`,
    ...versions.map(
      ({ version, viewVersion, serving, snapshot }) =>
        `    ${version}${serving ? ` (${serving})` : ''}: version ${viewVersion}, snapshot ${snapshot}`,
    ),
    ...snapshots.map(
      ({ snapshot, asOf, viewVersion }) => `    snapshot ${snapshot} of ${asOf}: version ${viewVersion}`,
    ),
  ];
}
