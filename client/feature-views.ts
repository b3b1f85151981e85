import { canonicalJson } from '../contracts/canonical-json';
import { ErrorCode, MeridianError, show, type FieldProblem, problemText } from '../contracts/errors';
import type { PublishedVersion, ViewPointer } from '../contracts/feature-view';
import { validateFeatureView } from '../contracts/generated/validators';
import { Key } from '../contracts/ids';
import type { FeatureView, ModelDeclaration } from '../contracts/model';
import { ownerKeys } from '../contracts/ownership';
import { parse } from '../contracts/validate';
import { breakingChanges, flawsOf, sharedFields, sharedName } from '../features/rules';
import { findViewPointer, listViewNames, readViewVersions } from '../platform/feature-views';
import { sha256, type ObjectStore } from '../platform/s3';

export interface ViewPublication {
  view: string;
  version: number;
  hash: string;
  change: 'created' | 'updated' | 'unchanged';
}

const MOST_ATTEMPTS = 10;

/**
 * Publishes a view's definition as hashed JSON and makes it the current one; publishing the same again changes nothing.
 * Features may be added, and what describes or checks them changed; what readers rely on stays as long as the version.
 * @throws MeridianError InvalidInput, field by field: what does not fit the schema, breaks readers without a new version,
 * or would share a name or a hash field with what is published
 */
export async function publishFeatureView(
  store: ObjectStore,
  definition: FeatureView,
): Promise<ViewPublication> {
  const what = `feature view ${definition.name}`;
  const view = parse<FeatureView>(validateFeatureView, what, definition);
  refuse(view, flawsOf(view), 'Mend the definition');
  const body = canonicalJson(view);
  const hash = sha256(body);
  const { name, version } = view;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const standing = await findViewPointer(store, name);
    const before = standing?.pointer;
    if (before?.hash === hash) return { view: name, version, hash, change: 'unchanged' };
    await checkAgainstPublished(store, view, before);
    await store.create(Key.viewDefinition(name, hash), body);
    const next = JSON.stringify(movedTo(before, { version, hash, publishedAt: new Date().toISOString() }));
    const moved = standing
      ? await store.replace(Key.viewPointer(name), next, standing.etag)
      : await store.create(Key.viewPointer(name), next);
    if (moved) return { view: name, version, hash, change: before ? 'updated' : 'created' };
  }
  throw new MeridianError(
    ErrorCode.Conflict,
    `${store.uri(Key.viewPointer(name))}: others kept publishing it. Publish again.`,
  );
}

/**
 * Publishes what a model's views bring that is new: a view, a version or a feature. Where all of that is published, the
 * published definition stands, so that an older declaration takes nothing back.
 * @throws MeridianError InvalidInput as `publishFeatureView` does
 */
export async function publishViewsOf(
  store: ObjectStore,
  { name, views }: ModelDeclaration,
): Promise<ViewPublication[]> {
  const twice = views.find((view, index) => views.findIndex((other) => other.name === view.name) < index);
  if (twice) {
    const problem = { field: 'views', found: `${twice.name} twice`, expected: 'each view once' };
    throw new MeridianError(
      ErrorCode.InvalidInput,
      `declaration of ${name}: views: expected each view once, found ${twice.name} twice. Nothing was published.`,
      [problem],
    );
  }
  const published: ViewPublication[] = [];
  for (const view of views) {
    published.push((await standingFor(store, view)) ?? (await publishFeatureView(store, view)));
  }
  return published;
}

/**
 * The version under which a definition breaks nobody: the published one, or the next.
 * @throws MeridianError InvalidInput where the name is that of somebody else's view
 */
export async function versionFor(store: ObjectStore, view: FeatureView): Promise<number> {
  const newest = (await readViewVersions(store, view.name)).at(-1);
  if (!newest) return 1;
  if (newest.owner !== view.owner) {
    const found = `${view.name}, a view of ${newest.owner}`;
    refuse(view, [{ field: 'name', found, expected: 'a name of its own' }], 'Choose another name');
  }
  return breakingChanges(newest, view).length > 0 ? newest.version + 1 : newest.version;
}

/** The published definition of that version where it has all that the view has, and says of as many whose its rows are. */
async function standingFor(store: ObjectStore, view: FeatureView): Promise<ViewPublication | null> {
  const { name, version } = view;
  const definition = (await readViewVersions(store, name)).find((one) => one.version === version);
  if (!definition || breakingChanges(view, definition).length > 0) return null;
  const known = ownerKeys([definition]);
  if (ownerKeys([view]).some((keys) => !known.includes(keys))) return null;
  return { view: name, version, hash: sha256(canonicalJson(definition)), change: 'unchanged' };
}

async function checkAgainstPublished(
  store: ObjectStore,
  view: FeatureView,
  pointer: ViewPointer | undefined,
): Promise<void> {
  const names = await listViewNames(store);
  const published = (await Promise.all(names.map((name) => readViewVersions(store, name)))).flat();
  if (pointer && view.version < pointer.version) {
    const expected = `${pointer.version} or higher, as ${pointer.version} is published`;
    const problem = { field: 'version', found: show(view.version), expected };
    refuse(view, [problem], 'Publish from the newest checkout, or raise the version');
  }
  const isSame = (other: FeatureView): boolean => other.name === view.name && other.version === view.version;
  const before = published.find(isSame);
  if (before) refuse(view, breakingChanges(before, view), `Raise version to ${view.version + 1}`);
  const others = published.filter((other) => !isSame(other));
  refuse(view, [...sharedName(view, others), ...sharedFields(view, others)], 'Choose another name');
}

function refuse({ name, version }: FeatureView, problems: FieldProblem[], advice: string): void {
  if (problems.length === 0) return;
  const told = problems.map(problemText);
  throw new MeridianError(
    ErrorCode.InvalidInput,
    `feature view ${name} version ${version}: ${told.join('; ')}. Nothing was published. ${advice} and publish again.`,
    problems,
  );
}

function movedTo(before: ViewPointer | undefined, next: PublishedVersion): ViewPointer {
  const others = (before?.versions ?? []).filter(({ version }) => version !== next.version);
  return { ...next, versions: [...others, next].sort((a, b) => a.version - b.version) };
}
