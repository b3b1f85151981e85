import { rename, rm, stat } from 'node:fs/promises';
import { ErrorCode, MeridianError } from '../../../contracts/errors';
import { literal, withDatabase, type Database, type DatabaseOptions } from '../../../platform/duckdb';
import { explainCorruption } from '../../../platform/partitions';
import { historicalQuery } from './join';
import type { AsKnown, HistoricalView, OfflineFile } from './types';

export interface LocalJoin {
  /** Parquet file with `event_timestamp` and the views' join keys. */
  frame: string;
  views: readonly HistoricalView[];
  /** Parquet file to write: whole, or not at all. */
  out: string;
  asKnown?: AsKnown;
  /** Gives the SQL condition on rows of `frame` that may have features; default: all may. */
  keep?: (database: Database) => Promise<string>;
  /** Without a temporary folder nothing spills, and what does not fit into memory fails. */
  database?: DatabaseOptions;
}

export interface JoinedFrame {
  rows: number;
  /** The frame's own, then those of the features. */
  columns: string[];
}

/**
 * Joins a frame with views whose partitions lie on this machine, from Parquet to Parquet.
 * @throws MeridianError as `historicalQuery` does; InvalidInput where the frame is no Parquet file; CorruptObject naming
 * the partition that cannot be read.
 */
export async function joinHistorical(join: LocalJoin): Promise<JoinedFrame> {
  await requireFile(join.frame);
  return withDatabase(
    (database) =>
      explainCorruption(
        database,
        join.views.flatMap(({ files }) => files),
        async () => {
          const query = await historicalQuery(database, {
            frame: readFrame(join.frame),
            frameName: join.frame,
            views: join.views,
            asKnown: join.asKnown,
            keep: await join.keep?.(database),
          });
          return await writeParquet(database, query, join.out);
        },
      ),
    join.database,
  );
}

/** SQL that reads a frame. */
export const readFrame = (path: string): string =>
  `read_parquet(${literal(path)}, hive_partitioning = false)`;

/** Files as the join takes them, called by their paths. */
export const localFiles = (paths: readonly string[]): Promise<OfflineFile[]> =>
  Promise.all(paths.map(async (path) => ({ key: path, path, bytes: (await stat(path)).size })));

/** @throws MeridianError InvalidInput where there is no such file */
export async function requireFile(path: string): Promise<void> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (isFile) return;
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `${path}: expected a Parquet file, found none. Nothing was written.`,
    [{ field: 'frame', found: 'no such file', expected: 'a Parquet file' }],
  );
}

/** DuckDB compresses each row group on one thread: small enough that a frame has several. */
const ROWS_A_GROUP = 24_576;

async function writeParquet(database: Database, query: string, out: string): Promise<JoinedFrame> {
  const columns = await database.rows<{ column_name: string }>(`DESCRIBE ${query}`);
  const unfinished = `${out}.unfinished`;
  try {
    const { Count: rows } = await database.row<{ Count: number }>(
      `COPY (${query}) TO ${literal(unfinished)} (FORMAT parquet, ROW_GROUP_SIZE ${ROWS_A_GROUP})`,
    );
    await rename(unfinished, out);
    return { rows, columns: columns.map(({ column_name }) => column_name) };
  } finally {
    await rm(unfinished, { force: true });
  }
}
