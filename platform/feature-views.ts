import type { StoredView, ViewPointer } from '../contracts/feature-view';
import { ErrorCode, MeridianError, show } from '../contracts/errors';
import { validateFeatureView } from '../contracts/generated/validators';
import { Key } from '../contracts/ids';
import type { FeatureView } from '../contracts/model';
import { parse } from '../contracts/validate';
import type { ObjectStore } from './s3';

/** The names of all published views, in alphabetical order. */
export const listViewNames = (store: ObjectStore): Promise<string[]> => store.listFolders('feature-views/');

/** The newest published version of every view, in alphabetical order. */
export async function listFeatureViews(store: ObjectStore): Promise<FeatureView[]> {
  const names = await listViewNames(store);
  return Promise.all(names.map((name) => readFeatureView(store, name)));
}

/**
 * A view as it is published: its newest version, or the one asked for.
 * @throws MeridianError InvalidInput where no such view or version is published, naming what is
 */
export async function readFeatureView(
  store: ObjectStore,
  name: string,
  version?: number,
): Promise<FeatureView> {
  const found = await findViewPointer(store, name);
  if (!found) throw await unknownView(store, name);
  const { pointer } = found;
  const published = version === undefined ? pointer : pointer.versions.find((one) => one.version === version);
  if (!published) throw unknownVersion(pointer, name, version);
  return readDefinition(store, name, published.hash);
}

/** A version of a view as it is published now; null where it is not. */
export async function findFeatureView(
  store: ObjectStore,
  { name, version }: StoredView,
): Promise<FeatureView | null> {
  const found = await findViewPointer(store, name);
  const published = found?.pointer.versions.find((one) => one.version === version);
  return published ? readDefinition(store, name, published.hash) : null;
}

/** Every published version of a view, oldest first; none where the view is not published. */
export async function readViewVersions(store: ObjectStore, name: string): Promise<FeatureView[]> {
  const found = await findViewPointer(store, name);
  return Promise.all((found?.pointer.versions ?? []).map(({ hash }) => readDefinition(store, name, hash)));
}

/** A view's pointer and its ETag, for who moves it; null where no such view is published. */
export async function findViewPointer(
  store: ObjectStore,
  name: string,
): Promise<{ pointer: ViewPointer; etag: string } | null> {
  const key = Key.viewPointer(name);
  const found = await store.find(key);
  if (!found) return null;
  return { pointer: pointerOf(store.uri(key), found.body), etag: found.etag };
}

function pointerOf(uri: string, body: Buffer): ViewPointer {
  try {
    return JSON.parse(body.toString('utf8')) as ViewPointer;
  } catch (cause) {
    const message = `${uri}: expected JSON, found ${body.length} bytes that do not parse. Publish the view again.`;
    throw new MeridianError(ErrorCode.CorruptObject, message, [], { cause });
  }
}

async function readDefinition(store: ObjectStore, name: string, hash: string): Promise<FeatureView> {
  const key = Key.viewDefinition(name, hash);
  return parse<FeatureView>(validateFeatureView, store.uri(key), await store.getJson(key));
}

/** @returns the error that says which views there are */
export async function unknownView(store: ObjectStore, name: unknown): Promise<MeridianError> {
  const known = (await listViewNames(store)).join(', ') || '(none published)';
  return new MeridianError(
    ErrorCode.InvalidInput,
    `No feature view ${show(name)} is published (published: ${known}). Name one of those, or publish it with \`npx meridian apply\`.`,
    [{ field: 'view', found: show(name), expected: `one of ${known}` }],
  );
}

function unknownVersion({ versions }: ViewPointer, name: string, version: unknown): MeridianError {
  const known = versions.map((one) => one.version).join(', ');
  return new MeridianError(
    ErrorCode.InvalidInput,
    `Feature view ${name} has no version ${show(version)} (published: ${known}). Name one of those.`,
    [{ field: 'version', found: show(version), expected: `one of ${known}` }],
  );
}
