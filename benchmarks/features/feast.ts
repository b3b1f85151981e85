import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { FEAST_PROJECT } from '../../contracts/ids';
import {
  FEATURE_NAMES,
  JOIN_KEY,
  materializedView,
  warmUpView,
  type BenchmarkData,
  type OfflineTable,
} from './data';
import { runFeast } from './processes';
import type { TaskAnswer } from './tasks/task';

/** Feast's ways of reading the offline table. */
export const ENGINES = {
  /** What `type: file` means today. */
  default: { name: "Feast's default engine", engine: 'dask', pullLatest: false },
  /** The fastest we know. */
  best: { name: "Feast's DuckDB engine", engine: 'duckdb', pullLatest: true },
} as const;

export interface Feast {
  redisUrl: string;
  /** For the repos of its processes. */
  folder: string;
  data: BenchmarkData;
}

/** Runs one task of Feast, with both views applied to a repo of the process's own. */
export async function feastTask(
  { redisUrl, folder, data }: Feast,
  task: 'materialize' | 'join' | 'read',
  { engine, pullLatest }: { engine: string; pullLatest: boolean },
  { table, ttlSeconds, ...details }: { table: OfflineTable; ttlSeconds: number } & Record<string, unknown>,
): Promise<TaskAnswer> {
  return runFeast({
    task,
    engine,
    pullLatest,
    project: FEAST_PROJECT,
    folder: await mkdtemp(join(folder, 'feast-')),
    redis: new URL(redisUrl).host,
    joinKey: JOIN_KEY,
    features: FEATURE_NAMES,
    views: [
      { name: materializedView.name, ttlSeconds, folder: table.folder },
      { name: warmUpView.name, ttlSeconds, folder: data.warmUp.folder },
    ],
    view: materializedView.name,
    warmUp: warmUpView.name,
    ...details,
  });
}
