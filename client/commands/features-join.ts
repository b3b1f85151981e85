import { Command } from 'commander';
import { getHistoricalFeatures, type AsKnown } from '../../activities/datasets/historical';
import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { identifier, literal, withDatabase } from '../../platform/duckdb';
import { readFeatureView } from '../../platform/feature-views';
import { withPartitionCache } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { print, table } from '../output';
import { withPlatform } from '../platform';

interface JoinOptions {
  frame: string;
  features: string;
  out: string;
  /** True where given without a time. */
  asKnown?: string | true;
  json?: boolean;
}

interface JoinedFeatures {
  out: string;
  rows: number;
  columns: string[];
  /** The share of the frame's rows that have a value of the feature. */
  features: { column: string; share: number }[];
}

export function joinCommand(): Command {
  return new Command('join')
    .description(
      'Join a frame (Parquet with event_timestamp and join keys) with features as they were at its times',
    )
    .requiredOption('--frame <file>', 'the frame; every row and column of it is kept')
    .requiredOption('--features <list>', 'what to join, as view:feature,view:feature')
    .requiredOption('--out <file>', 'the Parquet file to write')
    .option(
      '--as-known [time]',
      "only rows known at that time (2026-11-20T04:00:00Z); without one, at each row's own time",
    )
    .option('--json', 'print JSON')
    .action((options: JoinOptions) =>
      withPlatform(async (platform) => {
        const joined = await join(platform.store(), options);
        print(joined, options, () => [
          `${joined.out}: ${joined.rows} rows, ${joined.columns.length} columns`,
          ...table([
            ['FEATURE', 'ROWS WITH A VALUE'],
            ...joined.features.map(({ column, share }) => [column, `${(share * 100).toFixed(1)} %`]),
          ]),
        ]);
      }),
    );
}

async function join(store: ObjectStore, options: JoinOptions): Promise<JoinedFeatures> {
  const { frame, out } = options;
  const wanted = parseFeatures(options.features);
  const features = await Promise.all(
    [...wanted].map(async ([name, names]) => ({ view: await readFeatureView(store, name), features: names })),
  );
  const { rows, columns } = await withPartitionCache(store, (cache) =>
    getHistoricalFeatures(store, cache, { frame, out, features, asKnown: asKnownOf(options) }),
  );
  const joined = columns.slice(-[...wanted.values()].flat().length);
  return { out, rows, columns, features: await filledShares(out, joined) };
}

const asKnownOf = ({ asKnown }: JoinOptions): AsKnown | undefined =>
  asKnown === undefined ? undefined : asKnown === true ? 'row' : { at: asKnown };

/** Features by view, both in the order they were asked for. */
function parseFeatures(list: string): Map<string, string[]> {
  const wanted = new Map<string, string[]>();
  for (const item of list.split(',').map((text) => text.trim())) {
    const [view, feature, ...more] = item.split(':');
    if (!view || !feature || more.length > 0) {
      const expected = 'view:feature,view:feature';
      throw new MeridianError(
        ErrorCode.InvalidInput,
        `--features: found ${show(item)}, expected ${expected}. Nothing was written.`,
        [{ field: 'features', found: show(item), expected }],
      );
    }
    wanted.set(view, [...(wanted.get(view) ?? []), feature]);
  }
  return wanted;
}

async function filledShares(
  file: string,
  columns: readonly string[],
): Promise<{ column: string; share: number }[]> {
  const counts = columns.map((column, index) => `count(${identifier(column)}) AS c${index}`);
  const filled = await withDatabase((database) =>
    database.row<Record<string, number>>(
      `SELECT count(*) AS rows, ${counts.join(', ')} FROM read_parquet(${literal(file)})`,
    ),
  );
  return columns.map((column, index) => ({
    column,
    share: filled['rows'] === 0 ? 0 : filled[`c${index}`]! / filled['rows']!,
  }));
}
