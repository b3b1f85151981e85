import { Command } from 'commander';
import { isKeptOnline, lookBackOf } from '../../contracts/feature-view';
import { describeView, type ViewDetails } from '../feature-catalogue';
import { print, table } from '../output';
import { withPlatform } from '../platform';

interface Options {
  ofVersion?: number;
  json?: boolean;
}

export function showCommand(): Command {
  return new Command('show')
    .description('A view’s definition, checks, SQL, users, and how its newest partition was checked')
    .argument('<view>', 'such as customer_usage')
    .option('--of-version <number>', 'an older version; default: the newest', Number)
    .option('--json', 'print JSON')
    .action((view: string, options: Options) =>
      withPlatform(async (platform) => {
        const details = await describeView(platform.store(), view, options.ofVersion);
        print(details, options, () => [
          ...definitionLines(details),
          '',
          ...featureLines(details),
          '',
          ...usageLines(details),
          ...reportLines(details),
          ...sqlLines(details),
        ]);
      }),
    );
}

const written = (value: object | undefined): string =>
  Object.entries(value ?? {})
    .map(([name, setting]) => `${name} ${[setting].flat().join('|')}`)
    .join(', ') || '-';

function definitionLines({ definition, versions, watermark }: ViewDetails): string[] {
  const { entity, sources, push, whenLate = 'park' } = definition;
  const keys = entity.joinKeys.map(
    ({ name, type, personal }) => `${name} ${type}${personal ? ' (personal)' : ''}`,
  );
  const from = sources.map(({ table: name, lookBackDays: days }) => `raw/${name}/ (${days} d)`);
  return [
    `${definition.name} version ${definition.version} (published: ${versions.join(', ')})`,
    definition.description,
    ...table([
      ['owner', definition.owner],
      ['entity', `${entity.name}: ${keys.join(', ')}`],
      ['ttl', definition.ttlSeconds === 0 ? 'unlimited' : `${definition.ttlSeconds} s`],
      ['sources', from.join(', ') || '-'],
      ['pushed', push ? 'yes' : 'no'],
      ['kept', isKeptOnline(definition) ? 'online and offline' : 'offline only'],
      ['checks', written(definition.checks)],
      ['when late', whenLate],
      ['looks back', `${lookBackOf(definition)} d`],
      ['tags', written(definition.tags)],
      [
        'loaded',
        watermark ? `up to ${watermark.asOf}, ${watermark.entities} entities, ${watermark.movedAt}` : 'never',
      ],
    ]),
  ];
}

const featureLines = ({ definition }: ViewDetails): string[] =>
  table([
    ['FEATURE', 'TYPE', 'CHECKS', 'DESCRIPTION'],
    ...definition.features.map(({ name, type, checks, description = '', personal }) => [
      name,
      personal ? `${type} (personal)` : type,
      written(checks),
      description,
    ]),
  ]);

const usageLines = ({ services }: ViewDetails): string[] =>
  services.length === 0
    ? ['used by no model']
    : services.map(
        ({ model, version, features }) => `used by ${model} (version ${version}): ${features.join(', ')}`,
      );

function reportLines({ lastReport }: ViewDetails): string[] {
  if (!lastReport) return ['no partition was checked yet'];
  const { day, rows, passed, checkedAt, checks, findings } = lastReport;
  return [
    `dt=${day}: ${rows} rows, ${passed ? 'passed' : 'BLOCKED'}, checked ${checkedAt}`,
    ...checks.map((check) => `  ${check}`),
    ...findings.map(
      ({ check, found, expected }) => `  breach: ${check}: found ${found}, expected ${expected}`,
    ),
  ];
}

const sqlLines = ({ definition: { transformation } }: ViewDetails): string[] =>
  transformation === null ? [] : ['', transformation.trimEnd()];
