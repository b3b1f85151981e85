import { canonicalJson } from '../../contracts/canonical-json';
import {
  splitCounts,
  type DatasetManifest,
  type DatasetSnapshot,
  type ManifestSplit,
  type Split,
  type SplitRule,
} from '../../contracts/dataset';
import type { Day } from '../../contracts/days';
import { Key } from '../../contracts/ids';
import type { SupervisedDeclaration } from '../../contracts/model';
import { ownerKeys } from '../../contracts/ownership';
import type { PulledObject } from '../../platform/partitions';
import { sha256, type ObjectStore } from '../../platform/s3';
import { codeVersion } from './code-version';
import { modelJoinKeys } from './entity';
import { labelKindOf } from './label-kinds';
import type { OptOuts } from '../privacy/opt-outs';

export const SPLITS: readonly Split[] = ['train', 'validation', 'test'];

export interface SnapshotRequest {
  declaration: SupervisedDeclaration;
  declarationHash: string;
  asOf: Day;
  labelDays: Day[];
}

/** A split's place below the snapshot's prefix; each has a folder of its own, because SageMaker's channels are prefixes. */
const splitPath = (split: Split): string => `${split}/${split}.parquet`;

/** A split as it lies on this machine. */
export interface WrittenSplit extends Omit<ManifestSplit, 'key'> {
  split: Split;
  path: string;
}

/** Publishes what was joined of labels and features. */
export async function publishSnapshot(
  store: ObjectStore,
  { declaration, declarationHash, asOf, labelDays }: SnapshotRequest,
  splitRule: SplitRule,
  splits: readonly WrittenSplit[],
  optOuts: OptOuts,
  sources: readonly PulledObject[],
): Promise<DatasetSnapshot> {
  const owners = ownerKeys(declaration.views);
  const content: SnapshotContent = {
    formatVersion: 1,
    model: declaration.name,
    declarationHash,
    codeVersion: codeVersion(),
    window: { asOf, days: [...labelDays].sort() },
    views: declaration.views.map(({ name, version }) => ({ name, version })),
    splitRule,
    asKnown: declaration.dataset.asKnown === true,
    optOuts: {
      version: optOuts.version,
      entities: optOuts.entities,
      ...(owners.length > 0 && { owners }),
    },
    sources: sources
      .map(({ key, etag }) => ({ key, etag }))
      .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)),
    splits: describeSplits(splits),
    columns: [
      ...modelJoinKeys(declaration).map(({ name, type }) => ({ name, role: 'entity' as const, type })),
      { name: 'event_timestamp', role: 'event_timestamp', type: 'timestamp' },
      ...declaration.inputs.map(({ name, type }) => ({ name, role: 'feature' as const, type })),
      { name: 'label', role: 'label', type: labelKindOf(declaration).type },
    ],
  };
  return publishContent(store, content, splits);
}

/** Everything in a manifest but what follows from it; keys are below the snapshot's prefix. */
export type SnapshotContent = Omit<DatasetManifest, 'snapshot'>;

/** Names a snapshot by the hash of its content and uploads it: the splits (and labelled windows) first, `manifest.json` last. */
export async function publishContent(
  store: ObjectStore,
  content: SnapshotContent,
  splits: readonly WrittenSplit[],
  windowsPath?: string,
): Promise<DatasetSnapshot> {
  const { model, windows } = content;
  const snapshot = sha256(canonicalJson(content)).slice(0, 16);
  const prefix = Key.dataset(model, snapshot);
  for (const { split, path } of splits) await store.upload(path, prefix + splitPath(split));
  if (windows && windowsPath) await store.upload(windowsPath, prefix + windows.key);
  const manifest: DatasetManifest = {
    ...content,
    snapshot,
    splits: bySplit(
      SPLITS.map((split) => ({ split })),
      ({ split }) => ({
        ...content.splits[split],
        key: prefix + splitPath(split),
      }),
    ),
    ...(windows && { windows: { ...windows, key: prefix + windows.key } }),
  };
  await store.put(`${prefix}manifest.json`, JSON.stringify(manifest, null, 2));
  return { model, snapshot, prefix, ...splitCounts(manifest.splits) };
}

/** The splits as a manifest's content names them. */
export const describeSplits = (splits: readonly WrittenSplit[]): SnapshotContent['splits'] =>
  bySplit(splits, ({ split, path: _path, ...written }) => ({ key: splitPath(split), ...written }));

const bySplit = <Item extends { split: Split }, T>(
  items: readonly Item[],
  value: (item: Item) => T,
): Record<Split, T> => Object.fromEntries(items.map((item) => [item.split, value(item)])) as Record<Split, T>;
