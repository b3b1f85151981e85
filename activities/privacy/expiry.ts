import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetManifest, SnapshotExpiry } from '../../contracts/dataset';
import { DAY_MS } from '../../contracts/days';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { OptOutProof } from '../../contracts/features';
import { Key } from '../../contracts/ids';
import type { FeatureView } from '../../contracts/model';
import { ownerKeys, ownersOf } from '../../contracts/ownership';
import type { Database } from '../../platform/duckdb';
import type { ObjectStore } from '../../platform/s3';
import { heartbeat } from '../progress';
import type { OptOutHeartbeat } from './forget';
import { namedBy, notOnList, type OptOuts } from './opt-outs';
import {
  countEntities,
  inspectOwned,
  ownedViews,
  pullObjects,
  wasHeldAgainst,
  type Frame,
  type Held,
} from './snapshot-rows';

export type Expiring = OptOutProof['expiring'][number];

interface Snapshot {
  model: string;
  snapshot: string;
  marked: boolean;
  /** Its rows: every object but those that only tell about them. */
  data: string[];
}

/** What stays of a snapshot whose rows are deleted: what it was, how it was checked, and why it is no more. */
const KEPT = ['manifest.json', 'quality.json', 'expires.json'];

/** `reports/opt-outs/checked.json`: the snapshots that hold nobody on that version of the list. */
interface Checked {
  version: string;
  /** Join keys of those whom rows of some view belonged to: where that has changed, more may be found. */
  owners?: string[];
  snapshots: string[];
}
const CHECKED_KEY = Key.optOutProof('checked');

/** What snapshots are held against. */
export interface HeldAgainst {
  optOuts: OptOuts;
  /** All views there are: they say whom the rows of a snapshot belong to. */
  views: readonly FeatureView[];
}

/**
 * Marks every snapshot that holds somebody on the list, or what belongs to them, with `<prefix>expires.json`, once: the first mark stands. What
 * was checked against this version of the list, built with it, or marked before is not read again. Where a mark's time is
 * over the snapshot's rows are deleted; the manifest and the mark, which says why, stay.
 * @returns Every marked snapshot.
 */
export async function expireSnapshots(
  store: ObjectStore,
  database: Database,
  folder: string,
  heldAgainst: HeldAgainst,
  expiryDays: number,
  progress: OptOutHeartbeat,
): Promise<Expiring[]> {
  const { optOuts } = heldAgainst;
  const checked = await readChecked(store, heldAgainst);
  const expiring: Expiring[] = [];
  for (const { model, snapshot, marked, data } of await listSnapshots(store)) {
    const name = `${model}/${snapshot}`;
    heartbeat({ ...progress, phase: 'checking snapshots', snapshot: name } satisfies OptOutHeartbeat);
    if (!marked) {
      if (optOuts.kinds.length === 0 || checked.has(name)) continue;
      const mark = await inspect(store, database, folder, model, snapshot, heldAgainst);
      if (mark === null) {
        checked.add(name);
        await keepChecked(store, heldAgainst, checked);
        continue;
      }
      const expiresAt = new Date(Date.now() + expiryDays * DAY_MS).toISOString();
      const body: SnapshotExpiry = { expiresAt, listVersion: optOuts.version, ...mark };
      await store.create(expiryKey(model, snapshot), JSON.stringify(body, null, 2));
    }
    const mark = await store.getJson<SnapshotExpiry>(expiryKey(model, snapshot));
    const { entities, expiresAt, deletedAt } = isOver(mark)
      ? await deleteRows(store, model, snapshot, mark, data)
      : mark;
    expiring.push({ model, snapshot, entities, expiresAt, deletedAt });
  }
  return expiring;
}

const isOver = ({ expiresAt }: SnapshotExpiry): boolean => Date.now() >= Date.parse(expiresAt);

/** The mark is written last: where a run is killed in between, the next one deletes what is left. */
async function deleteRows(
  store: ObjectStore,
  model: string,
  snapshot: string,
  mark: SnapshotExpiry,
  data: readonly string[],
): Promise<SnapshotExpiry> {
  for (const key of data) await store.delete(key);
  if (mark.deletedAt !== undefined && data.length === 0) return mark;
  const deleted = { ...mark, deletedAt: new Date().toISOString() };
  await store.put(expiryKey(model, snapshot), JSON.stringify(deleted, null, 2));
  return deleted;
}

/**
 * Refuses a snapshot whose time is over.
 * @throws MeridianError DataQualityBreach
 */
export async function refuseExpired(store: ObjectStore, model: string, snapshot: string): Promise<void> {
  const found = await store.find(expiryKey(model, snapshot));
  if (!found) return;
  const mark = JSON.parse(found.body.toString('utf8')) as SnapshotExpiry;
  if (!isOver(mark)) return;
  const { expiresAt, because } = mark;
  throw new MeridianError(
    ErrorCode.DataQualityBreach,
    `${store.uri(Key.dataset(model, snapshot))}: expired at ${expiresAt}, because ${because}. ` +
      'Nothing may be trained or judged on it any more. Build the dataset again.',
  );
}

const expiryKey = (model: string, snapshot: string): string => `${Key.dataset(model, snapshot)}expires.json`;

async function listSnapshots(store: ObjectStore): Promise<Snapshot[]> {
  const keys = (await store.list('datasets/')).map(({ key }) => key);
  const objects = new Map<string, string[]>();
  for (const key of keys) {
    const [prefix] = /^datasets\/[^/]+\/[^/]+\//.exec(key) ?? [];
    if (prefix === undefined) continue;
    const below = objects.get(prefix);
    if (below) below.push(key);
    else objects.set(prefix, [key]);
  }
  return keys.flatMap((key) => {
    const [, model, snapshot] = /^datasets\/([^/]+)\/([^/]+)\/manifest\.json$/.exec(key) ?? [];
    if (model === undefined || snapshot === undefined) return [];
    const prefix = Key.dataset(model, snapshot);
    const data = objects.get(prefix)!.filter((one) => !KEPT.includes(one.slice(prefix.length)));
    return [{ model, snapshot, marked: objects.get(prefix)!.includes(expiryKey(model, snapshot)), data }];
  });
}

/** Whom a snapshot holds of the list; null where it holds nobody. */
async function inspect(
  store: ObjectStore,
  database: Database,
  folder: string,
  model: string,
  snapshot: string,
  { optOuts, views }: HeldAgainst,
): Promise<Held | null> {
  const where = join(folder, 'snapshots', model, snapshot);
  try {
    const manifest = await readManifest(store, `${Key.dataset(model, snapshot)}manifest.json`);
    const owned = await ownedViews(store, manifest, views);
    if (wasHeldAgainst(manifest, optOuts, owned)) return null;
    const columns = manifest.columns.filter(({ role }) => role === 'entity').map(({ name }) => name);
    const direct = optOuts.kinds.filter(({ joinKeys }) =>
      joinKeys.every(({ name }) => columns.includes(name)),
    );
    if (direct.length === 0 && namedBy(optOuts.kinds, owned.flatMap(ownersOf)).length === 0) return null;
    const frame: Frame = { pulled: await pullObjects(store, Object.values(manifest.splits), where), columns };
    const entities = await countHeld(database, frame, direct);
    if (entities > 0) return { entities, because: `${entities} entities in it have opted out` };
    for (const view of owned) {
      const mark = await inspectOwned(store, database, where, frame, manifest, view, optOuts);
      if (mark) return mark;
    }
    return null;
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

/** Who on the list is among a snapshot's entities. */
const countHeld = (database: Database, frame: Frame, kinds: OptOuts['kinds']): Promise<number> =>
  kinds.length === 0 ? Promise.resolve(0) : countEntities(database, frame, `NOT (${notOnList(kinds)})`);

async function readChecked(store: ObjectStore, { optOuts, views }: HeldAgainst): Promise<Set<string>> {
  const found = await store.find(CHECKED_KEY);
  const checked = found ? (JSON.parse(found.body.toString('utf8')) as Checked) : null;
  const same =
    checked?.version === optOuts.version && String(checked.owners ?? []) === String(ownerKeys(views));
  return new Set(same ? checked.snapshots : []);
}

/** The last of two runs wins; what the other had checked is checked once more. */
async function keepChecked(
  store: ObjectStore,
  { optOuts: { version }, views }: HeldAgainst,
  checked: ReadonlySet<string>,
): Promise<void> {
  const body: Checked = { version, owners: ownerKeys(views), snapshots: [...checked] };
  await store.put(CHECKED_KEY, JSON.stringify(body));
}
