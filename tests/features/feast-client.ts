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

/** The real Feast, in a repo of its own that this platform generated. */
export interface Feast {
  folder: string;
  /** Carries out requests, in one process of Feast's. */
  ask(...requests: FeastRequest[]): Promise<unknown[]>;
  /** What Feast reads online, by column. */
  online(features: string | string[], entities: Entity[]): Promise<Record<string, StoredValue[]>>;
}

export interface FeastOptions {
  name: string;
  views: FeatureView[];
  services?: FeatureService[];
  /** A folder with a copy of the offline store; default: the object store itself. */
  copy?: string;
}

/** Generates a repo and lets Feast apply it. */
export async function startFeast(
  stage: Stage,
  { name, views, services = [], copy }: FeastOptions,
): Promise<Feast> {
  const peers = process.env['MERIDIAN_VENV_PEERS'] ?? (await findTestTools()).peers;
  const env = { ...process.env, ...stage.env, FEAST_USAGE: 'False' };
  const folder = join(stage.folder, name);
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
  await promisify(execFile)(join(peers, 'bin/feast'), ['--chdir', folder, 'apply'], { env });

  const ask = async (...requests: FeastRequest[]): Promise<unknown[]> => {
    const script = join(projectRoot(), 'tests/features/feast_client.py');
    const call = promisify(execFile)(join(peers, 'bin/python'), [script, folder], {
      env,
      maxBuffer: 2 ** 26,
    });
    call.child.stdin!.end(JSON.stringify(requests));
    return JSON.parse((await call).stdout, revive) as unknown[];
  };
  return {
    folder,
    ask,
    online: async (features, entities) =>
      (await ask({ do: 'online', features, entities }))[0] as Record<string, StoredValue[]>,
  };
}

const revive = (_key: string, value: unknown): unknown =>
  typeof value === 'string' && /^int:-?\d+$/.test(value) ? BigInt(value.slice(4)) : value;

/** Feast's default engine loses rows and breaks ties at random; its DuckDB engine is right. */
async function useDuckdb(config: string): Promise<void> {
  const yaml = await readFile(config, 'utf8');
  await writeFile(config, yaml.replace('type: file', 'type: duckdb'));
}
