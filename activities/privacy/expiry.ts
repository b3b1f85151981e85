import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import type { DatasetManifest, SnapshotExpiry } from '../../contracts/dataset';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { OptOutProof } from '../../contracts/features';
import { Key } from '../../contracts/ids';
import { identifier, parquetFiles, type Database } from '../../platform/duckdb';
import { explainCorruption, type PulledObject } from '../../platform/partitions';
import type { ObjectStore } from '../../platform/s3';
import { heartbeat } from '../progress';
import type { OptOutHeartbeat } from './forget';
import type { OptOuts } from './opt-outs';

export type Expiring = OptOutProof['expiring'][number];

interface Snapshot {
  model: string;
  snapshot: string;
  marked: boolean;
}

/** `reports/opt-outs/checked.json`: the snapshots that hold nobody on that version of the list. */
interface Checked {
  version: string;
  snapshots: string[];
}
const CHECKED_KEY = Key.optOutProof('checked');

const MS_PER_DAY = 86_400_000;

/**
 * Marks every snapshot that holds somebody on the list with `<prefix>expires.json`, once: the first mark stands. What
 * was checked against this version of the list, built with it, or marked before is not read again.
 * @returns Every marked snapshot.
 */
export async function expireSnapshots(
  store: ObjectStore,
  database: Database,
  folder: string,
  optOuts: OptOuts,
  expiryDays: number,
  progress: OptOutHeartbeat,
): Promise<Expiring[]> {
  const checked = await readChecked(store, optOuts.version);
  const expiring: Expiring[] = [];
  for (const { model, snapshot, marked } of await listSnapshots(store)) {
    const name = `${model}/${snapshot}`;
    heartbeat({ ...progress, phase: 'checking snapshots', snapshot: name } satisfies OptOutHeartbeat);
    if (!marked) {
      if (optOuts.kinds.length === 0 || checked.has(name)) continue;
      const mark = await inspect(store, database, folder, model, snapshot, optOuts);
      if (mark === null) {
        checked.add(name);
        await keepChecked(store, optOuts.version, checked);
        continue;
      }
      const expiresAt = new Date(Date.now() + expiryDays * MS_PER_DAY).toISOString();
      const body: SnapshotExpiry = { expiresAt, listVersion: optOuts.version, ...mark };
      await store.create(expiryKey(model, snapshot), JSON.stringify(body, null, 2));
    }
    const { entities, expiresAt } = await store.getJson<SnapshotExpiry>(expiryKey(model, snapshot));
    expiring.push({ model, snapshot, entities, expiresAt });
  }
  return expiring;
}

/**
 * Refuses a snapshot whose time is over.
 * @throws MeridianError DataQualityBreach
 */
export async function refuseExpired(store: ObjectStore, model: string, snapshot: string): Promise<void> {
  const found = await store.find(expiryKey(model, snapshot));
  if (!found) return;
  const { expiresAt, because } = JSON.parse(found.body.toString('utf8')) as SnapshotExpiry;
  if (Date.now() < Date.parse(expiresAt)) return;
  throw new MeridianError(
    ErrorCode.DataQualityBreach,
    `${store.uri(Key.dataset(model, snapshot))}: expired at ${expiresAt}, because ${because}. ` +
      'Nothing may be trained on it any more. Build the dataset again.',
  );
}

const expiryKey = (model: string, snapshot: string): string => `${Key.dataset(model, snapshot)}expires.json`;

async function listSnapshots(store: ObjectStore): Promise<Snapshot[]> {
  const keys = new Set((await store.list('datasets/')).map(({ key }) => key));
  return [...keys].flatMap((key) => {
    const [, model, snapshot] = /^datasets\/([^/]+)\/([^/]+)\/manifest\.json$/.exec(key) ?? [];
    if (model === undefined || snapshot === undefined) return [];
    return [{ model, snapshot, marked: keys.has(expiryKey(model, snapshot)) }];
  });
}

/** Whom a snapshot holds of the list; null where it holds nobody. */
async function inspect(
  store: ObjectStore,
  database: Database,
  folder: string,
  model: string,
  snapshot: string,
  optOuts: OptOuts,
): Promise<Pick<SnapshotExpiry, 'because' | 'entities'> | null> {
  const where = join(folder, 'snapshots', model, snapshot);
  try {
    const manifest = await readManifest(store, `${Key.dataset(model, snapshot)}manifest.json`);
    if (manifest.optOuts.version === optOuts.version) return null;
    const columns = manifest.columns.filter(({ role }) => role === 'entity').map(({ name }) => name);
    const kinds = optOuts.kinds.filter(({ joinKeys }) =>
      joinKeys.every(({ name }) => columns.includes(name)),
    );
    if (kinds.length === 0) return null;
    const pulled: PulledObject[] = [];
    for (const [split, { key, bytes }] of Object.entries(manifest.splits)) {
      const path = join(where, `${split}.parquet`);
      await store.download(key, path);
      pulled.push({ key, path, bytes, etag: '' });
    }
    const entities = await explainCorruption(database, pulled, () => countHeld(database, pulled, kinds));
    return entities === 0 ? null : { entities, because: `${entities} entities in it have opted out` };
  } catch (error) {
    if (!isDamage(error)) throw error;
    // One damaged snapshot must not keep everybody else's wish from being carried out.
    return { entities: 0, because: 'it cannot be read, so that nobody can say who is in it' };
  } finally {
    await rm(where, { recursive: true, force: true });
  }
}

const isDamage = (error: unknown): boolean =>
  error instanceof MeridianError &&
  (error.code === ErrorCode.MissingObject || error.code === ErrorCode.CorruptObject);

async function readManifest(store: ObjectStore, key: string): Promise<DatasetManifest> {
  const manifest = await store.getJson<DatasetManifest>(key);
  if (manifest?.formatVersion === 1) return manifest;
  throw new MeridianError(
    ErrorCode.CorruptObject,
    `${store.uri(key)}: expected formatVersion 1, found none.`,
  );
}

async function countHeld(
  database: Database,
  pulled: readonly PulledObject[],
  kinds: OptOuts['kinds'],
): Promise<number> {
  let held = 0;
  for (const { joinKeys, table } of kinds) {
    const names = joinKeys.map(({ name }) => identifier(name));
    // As text: a snapshot is as old as it is, and its keys may have been of another type.
    const keys = names.map((name) => `${name}::VARCHAR AS ${name}`).join(', ');
    const { entities } = await database.row<{ entities: number }>(
      `SELECT count(*) AS entities FROM (SELECT DISTINCT ${keys} FROM ${parquetFiles(pulled.map(({ path }) => path))})
       SEMI JOIN (SELECT ${keys} FROM ${identifier(table)}) USING (${names.join(', ')})`,
    );
    held += entities;
  }
  return held;
}

async function readChecked(store: ObjectStore, version: string): Promise<Set<string>> {
  const found = await store.find(CHECKED_KEY);
  const checked = found ? (JSON.parse(found.body.toString('utf8')) as Checked) : null;
  return new Set(checked?.version === version ? checked.snapshots : []);
}

/** The last of two runs wins; what the other had checked is checked once more. */
async function keepChecked(store: ObjectStore, version: string, checked: ReadonlySet<string>): Promise<void> {
  const body: Checked = { version, snapshots: [...checked] };
  await store.put(CHECKED_KEY, JSON.stringify(body));
}
