import { Command } from 'commander';
import { Key } from '../../contracts/ids';
import type { DeclarationPointer } from '../../contracts/model';
import { readCurrentGeneration } from '../../platform/releases';
import type { ObjectStore } from '../../platform/s3';
import { print, table } from '../output';
import { withPlatform } from '../platform';

interface ModelRow {
  model: string;
  declaration: string;
  production: string | null;
  generation: number | null;
  /** Candidates beside the Production version. */
  variants: { version: string; mode: string; weight: number }[];
  versions: string[];
}

export function modelsCommand(): Command {
  const list = new Command('list')
    .description('Every declared model: what serves, and the versions there are')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) =>
      withPlatform(async (platform) => {
        const rows = await listModels(platform.store());
        print(rows, options, () =>
          table([
            ['MODEL', 'PRODUCTION', 'GENERATION', 'BESIDE IT', 'VERSIONS'],
            ...rows.map((row) => [
              row.model,
              row.production ?? '-',
              row.generation === null ? '-' : String(row.generation),
              row.variants.map(({ version, mode, weight }) => `${version} ${mode} ${weight}`).join(', ') ||
                '-',
              row.versions.join(', ') || '-',
            ]),
          ]),
        );
      }),
    );
  return new Command('models').description('Models and what serves').addCommand(list, { isDefault: true });
}

async function listModels(store: ObjectStore): Promise<ModelRow[]> {
  const models = await store.listFolders('declarations/');
  return Promise.all(
    models.map(async (model) => {
      const { hash } = await store.getJson<DeclarationPointer>(Key.declarationPointer(model));
      const generation = await readCurrentGeneration(store, model);
      return {
        model,
        declaration: hash,
        production: generation?.production.version ?? null,
        generation: generation?.n ?? null,
        variants: (generation?.variants ?? [])
          .filter(({ mode }) => mode !== 'live')
          .map(({ version, mode, weight }) => ({ version, mode, weight })),
        versions: await store.listFolders(`models/${model}/`),
      };
    }),
  );
}
