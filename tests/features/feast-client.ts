import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { FeatureView } from '../../contracts/model';
import { writeFeastRepo } from '../../features/feast-repo';
import type { FeatureService } from '../../features/services';
import type { StoredValue } from '../../platform/online-store';
import { projectRoot } from '../../platform/project-root';
import { findTestTools } from '../support/tools';
import type { Stage } from './stage';

type Entity = Record<string, string | number>;
export type FeastRequest =
  | { do: 'online'; features: string | string[]; entities: Entity[] }
  | { do: 'historical'; features: string | string[]; frame: string; out: string }
  | { do: 'materialize'; views: string[]; from: string; to: string }
  | { do: 'push'; source: string; rows: Record<string, StoredValue>[] };

export interface FeastRepoOptions {
  views: FeatureView[];
  services?: FeatureService[];
  /** A folder with a copy of the offline store, read by Feast's DuckDB engine; default: the object store itself. */
  copy?: string;
}

/**
 * Generates a repo, and lets the real Feast apply it and carry out requests, in one process: it takes seconds to start.
 * @returns the answers, in the order of the requests
 */
export async function askFeast(
  stage: Stage,
  { views, services = [], copy }: FeastRepoOptions,
  requests: FeastRequest[],
): Promise<unknown[]> {
  const folder = join(stage.folder, 'feast');
  await writeFeastRepo({
    folder,
    views,
    services,
    redisUrl: stage.redisUrl,
    ...(copy
      ? { offlineStore: copy }
      : { offlineStore: `s3://${stage.store.bucket}`, s3Endpoint: stage.env['AWS_ENDPOINT_URL_S3'] }),
  });
  if (copy) await useDuckdb(join(folder, 'feature_store.yaml'));

  const peers = process.env['MERIDIAN_VENV_PEERS'] ?? (await findTestTools()).peers;
  const script = join(projectRoot(), 'tests/features/feast_client.py');
  const call = promisify(execFile)(join(peers, 'bin/python'), [script, folder], {
    env: { ...process.env, ...stage.env, FEAST_USAGE: 'False' },
    maxBuffer: 2 ** 26,
  });
  call.child.stdin!.end(JSON.stringify(requests));
  return JSON.parse((await call).stdout, revive) as unknown[];
}

const revive = (_key: string, value: unknown): unknown =>
  typeof value === 'string' && /^int:-?\d+$/.test(value) ? BigInt(value.slice(4)) : value;

/** Feast's default engine loses rows and breaks ties at random; its DuckDB engine is right. */
async function useDuckdb(config: string): Promise<void> {
  const yaml = await readFile(config, 'utf8');
  await writeFile(config, yaml.replace('type: file', 'type: duckdb'));
}
