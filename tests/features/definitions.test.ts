import { createRegistryActivities } from '../../activities/registry';
import { publishDeclaration } from '../../client/declarations';
import { publishFeatureView } from '../../client/feature-views';
import { canonicalJson } from '../../contracts/canonical-json';
import type { FieldProblem, MeridianError } from '../../contracts/errors';
import type { ViewPointer } from '../../contracts/feature-view';
import { Key } from '../../contracts/ids';
import type { ArtifactManifest, FeatureView, ModelDeclaration } from '../../contracts/model';
import type { Generation } from '../../contracts/release';
import { inputsOf } from '../../features/inputs';
import { churn } from '../../models/churn/model';
import { listFeatureViews, readFeatureView, readViewVersions } from '../../platform/feature-views';
import { sha256 } from '../../platform/s3';
import { setStage, type Stage } from './stage';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
}, 60_000);
afterAll(() => stage?.tearDown());

const [count, total, late] = (['count', 'total', 'late'] as const).map((name) => ({
  name,
  type: 'double' as const,
})) as [FeatureView['features'][0], FeatureView['features'][0], FeatureView['features'][0]];
/** Each test has views of its own: the store is shared. */
const view = (name: string, change: Partial<FeatureView> = {}): FeatureView => ({
  ...churn.views[0]!,
  name,
  features: [count, total],
  ...change,
});
const model = (name: string, views: FeatureView[]): ModelDeclaration => ({
  ...churn,
  name,
  views,
  inputs: inputsOf(views),
});
const publish = (definition: FeatureView) => publishFeatureView(stage.store, definition);
const pointerOf = (name: string) => stage.store.getJson<ViewPointer>(Key.viewPointer(name));
const refusal = async (
  publishing: Promise<unknown>,
): Promise<{ fields: FieldProblem[]; message: string }> => {
  const error = (await publishing.then(
    () => ({ code: 'none: it was done' }),
    (reason: unknown) => reason,
  )) as MeridianError;
  expect(error).toMatchObject({ code: 'InvalidInput', retryable: false });
  return error;
};

describe('publishing a view', () => {
  it('keeps its definition under its hash, and changes nothing the second time', async () => {
    const definition = view('idempotent');
    const hash = sha256(canonicalJson(definition));
    expect(await publish(definition)).toEqual({ view: 'idempotent', version: 1, hash, change: 'created' });
    const pointer = await pointerOf('idempotent');
    expect(pointer).toMatchObject({ hash, version: 1, versions: [{ hash, version: 1 }] });
    expect(await publish(definition)).toMatchObject({ hash, change: 'unchanged' });
    expect(await pointerOf('idempotent')).toEqual(pointer);
    expect(await readFeatureView(stage.store, 'idempotent')).toEqual(definition);
    expect((await listFeatureViews(stage.store)).map(({ name }) => name)).toContain('idempotent');
  });

  it('lets features be added, and what describes and checks them change', async () => {
    await publish(view('grows'));
    const grown = view('grows', {
      description: 'More.',
      owner: 'others',
      ttlSeconds: 0,
      tags: { domain: 'more' },
      checks: { minRows: 1 },
      features: [late, { ...total, checks: { min: 0 } }, count],
    });
    expect(await publish(grown)).toMatchObject({ change: 'updated' });
    expect(await readViewVersions(stage.store, 'grows')).toEqual([grown]);
  });

  it('refuses under the same version what readers would break at, and takes it as a new version', async () => {
    await publish(view('breaks'));
    const broken = view('breaks', { features: [{ ...count, type: 'int64' }] });
    const { fields, message } = await refusal(publish(broken));
    expect(fields).toEqual([
      { field: 'features.count', found: 'int64', expected: 'double' },
      { field: 'features.total', found: 'nothing (removed)', expected: 'double' },
    ]);
    expect(message).toContain('Raise version to 2');
    expect(await readFeatureView(stage.store, 'breaks')).toEqual(view('breaks'));

    const next = { ...broken, version: 2 };
    expect(await publish(next)).toMatchObject({ change: 'updated' });
    expect(await readFeatureView(stage.store, 'breaks')).toEqual(next);
    expect(await readFeatureView(stage.store, 'breaks', 1)).toEqual(view('breaks'));
    expect((await pointerOf('breaks')).versions.map(({ version }) => version)).toEqual([1, 2]);
    expect((await refusal(publish(view('breaks')))).fields[0]).toMatchObject({ field: 'version' });
  });

  it('refuses shared hash fields and names, whatever version has them', async () => {
    const one = view('orders', { features: [{ name: 'feature_4649', type: 'double' }] });
    await publish(one);
    const both = { ...one, features: [...one.features, { name: 'feature_13298', type: 'double' as const }] };
    expect((await refusal(publish(both))).fields).toEqual([
      expect.objectContaining({
        field: 'features.feature_13298',
        found: 'the hash field of orders:feature_4649',
      }),
    ]);
    await publish(view('named', { version: 2 }));
    await publish(view('named', { version: 3 }));
    expect((await refusal(publish(view('named_v2')))).fields[0]).toMatchObject({ field: 'name' });
  });

  it('refuses what the schema or the definition itself gets wrong, field by field', async () => {
    const wrong = view('wrong', {
      features: [{ ...count, checks: { maxNullShare: 2, maxOutlierShare: -1, maxPsi: 0 } }],
      lookBackDays: 61,
    });
    expect((await refusal(publish(wrong))).fields.map(({ field }) => field).sort()).toEqual([
      'features.0.checks.maxNullShare',
      'features.0.checks.maxOutlierShare',
      'features.0.checks.maxPsi',
      'lookBackDays',
    ]);
    const twice = view('wrong', { features: [count, count], ttlSeconds: 3600 });
    const { fields, message } = await refusal(publish(twice));
    expect(fields.map(({ field }) => field)).toEqual(['features.1.name', 'ttlSeconds']);
    expect(message).toContain('two daily loads');
  });

  it('loses nothing where several publish at once', async () => {
    const growing = Array.from({ length: 6 }, (_, version) => view('raced', { version: version + 1 }));
    const settled = await Promise.allSettled(growing.map(publish));
    const { version, versions } = await pointerOf('raced');
    const taken = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.version] : []));
    expect(version).toBe(6);
    expect(versions.map((one) => one.version)).toEqual(taken.toSorted((a, b) => a - b));
  });
});

it('names what is published where a view or a version is not', async () => {
  await publish(view('known'));
  const unknown = await refusal(readFeatureView(stage.store, 'unheard_of'));
  expect(unknown.fields[0]).toMatchObject({ field: 'view', found: '"unheard_of"' });
  expect(unknown.message).toMatch(/published: .*known/);
  const { fields } = await refusal(readFeatureView(stage.store, 'known', 7));
  expect(fields).toEqual([{ field: 'version', found: 'number 7', expected: 'one of 1' }]);
});

describe('publishing a model', () => {
  it('says from now on whose the rows of a view are, and is refused where it would learn that', async () => {
    const before = view('written', { online: false, features: [count, { name: 'author', type: 'string' }] });
    await publish(before);
    const owned: FeatureView = {
      ...before,
      features: [count, { name: 'author', type: 'string', belongsTo: 'writer' }],
    };
    const publication = await publishDeclaration(stage.store, model('reader', [owned]));
    expect(publication.views).toMatchObject([{ view: 'written', change: 'updated' }]);
    expect(await readFeatureView(stage.store, 'written')).toEqual(owned);
    await publishDeclaration(stage.store, model('older-reader', [before]));
    expect(await readFeatureView(stage.store, 'written')).toEqual(owned);
    const learning = { ...model('learner', [owned]), inputs: inputsOf([before]) };
    expect((await refusal(publishDeclaration(stage.store, learning))).fields[0]).toMatchObject({
      field: 'inputs.1.feature',
      found: 'written:author, which names the writer that a row belongs to',
    });
    for (const prefix of ['declarations/reader/', 'declarations/older-reader/', 'feature-views/written/'])
      for (const { key } of await stage.store.list(prefix)) await stage.store.delete(key);
  });

  it('publishes the views it brings; an older declaration takes nothing back', async () => {
    const wide = view('shared', { features: [count, total, late] });
    const first = await publishDeclaration(stage.store, model('narrow', [view('shared')]));
    expect(first.views).toEqual([expect.objectContaining({ view: 'shared', change: 'created' })]);
    const second = await publishDeclaration(stage.store, model('wide', [wide]));
    expect(second.views).toEqual([expect.objectContaining({ change: 'updated' })]);
    const again = await publishDeclaration(stage.store, model('narrow', [view('shared')]));
    expect(again).toMatchObject({ change: 'unchanged', views: [{ change: 'unchanged' }] });
    expect(await readFeatureView(stage.store, 'shared')).toEqual(wide);
    await publish({ ...wide, version: 2 });
    await publishDeclaration(stage.store, model('narrow', [view('shared')]));
    expect(await readFeatureView(stage.store, 'shared')).toEqual({ ...wide, version: 2 });
  });

  it('refuses a view that would break another model, and publishes nothing of it', async () => {
    await publish(view('guarded'));
    const other = view('guarded', { features: [count, { ...total, type: 'string' }] });
    const { fields } = await refusal(publishDeclaration(stage.store, model('breaker', [other])));
    expect(fields[0]).toMatchObject({ field: 'features.total', found: 'string', expected: 'double' });
    expect(await stage.store.find(Key.declarationPointer('breaker'))).toBeNull();
    const twice = model('twice', [view('guarded'), view('guarded', { version: 2 })]);
    expect((await refusal(publishDeclaration(stage.store, twice))).fields[0]).toMatchObject({
      field: 'views',
    });
  });
});

describe('the views a load keeps fed', () => {
  const load = (request?: { models?: string[]; views?: string[] }) =>
    createRegistryActivities({ store: stage.store, mlflow: undefined as never }).viewsToLoad(request ?? {});
  const ids = (views: FeatureView[]) => views.map(({ name, version }) => `${name} v${version}`);

  beforeAll(async () => {
    const { store } = stage;
    const old = await publishDeclaration(store, model('fed', [view('fed'), view('fed_alone')]));
    await serve('fed', 'fed-v1.0.0', old.hash);
    await publish(view('fed', { features: [count, total, late] }));
    await publishDeclaration(store, model('fed', [view('fed', { version: 2, features: [count] })]));
    await publish(view('fed_to_nobody'));
    await publish(view('pushed', { push: true, transformation: null, sources: [] }));
    await publish(view('pushed_and_delivered', { push: true, transformation: null, sources: [] }));
    const live = (name: string) => view(name, { push: true, transformation: null, sources: [] });
    const parts = [live('pushed_used'), live('pushed_used_delivered'), { ...live('awaited'), push: false }];
    await publishDeclaration(store, model('live', parts));
    await store.put(`features/pushed_used_delivered/dt=2026-03-01/part-0.parquet`, 'rows');
    await store.put(`features/pushed_and_delivered/dt=2026-03-01/part-0.parquet`, 'rows');
  });

  async function serve(name: string, version: string, declarationHash: string): Promise<void> {
    const artifactKey = `${Key.version(name, version)}manifest.json`;
    const manifest = {
      formatVersion: 1,
      model: name,
      version,
      provenance: { declarationHash },
      files: {},
    } as unknown as ArtifactManifest;
    await stage.store.put(artifactKey, JSON.stringify(manifest));
    const production = { version, artifactKey, sha256: '' };
    const generation = { n: 1, model: name, production, variants: [] } as unknown as Generation;
    await stage.store.put(Key.generation(name, 1), JSON.stringify(generation));
    await stage.store.put(
      Key.releasePointer(name),
      JSON.stringify({ generation: 1, key: Key.generation(name, 1) }),
    );
  }

  it('are those declared now and those that what serves was trained with, as published last', async () => {
    const views = await load({ models: ['fed'] });
    expect(ids(views)).toEqual(['fed v1', 'fed v2', 'fed_alone v1']);
    expect(views[0]!.features).toEqual([count, total, late]);
  });

  it('are with all models those too that no model uses, where there is something to load', async () => {
    const all = ids(await load());
    expect(all).toEqual(expect.arrayContaining(['fed v1', 'fed v2', 'fed_to_nobody v1']));
    expect(all).toContain('pushed_and_delivered v1');
    expect(all).not.toContain('pushed v1');
    expect(new Set(all).size).toBe(all.length);
    expect(all).toContain('shared v2');
  });

  it('are not those that a model uses and whose values are pushed only', async () => {
    const delivered = ['awaited v1', 'pushed_used_delivered v1'];
    expect(ids(await load({ models: ['live'] }))).toEqual(delivered);
    const all = ids(await load());
    expect(all).toEqual(expect.arrayContaining(delivered));
    expect(all).not.toContain('pushed_used v1');
    expect((await refusal(load({ models: ['live'], views: ['pushed_used', 'fed'] }))).fields).toMatchObject([
      { found: '"pushed_used", which has nothing to load' },
      { found: '"fed", which none of these models uses' },
    ]);
  });

  it('are the ones asked for', async () => {
    expect(ids(await load({ views: ['fed', 'fed_to_nobody'] }))).toEqual([
      'fed v1',
      'fed v2',
      'fed_to_nobody v1',
    ]);
    const { fields } = await refusal(load({ models: ['fed'], views: ['fed', 'fed_to_nobody'] }));
    expect(fields).toEqual([
      {
        field: 'views.1',
        found: '"fed_to_nobody", which none of these models uses',
        expected: 'one of fed, fed_alone',
      },
    ]);
    expect((await refusal(load({ views: ['unheard_of', 'pushed'] }))).fields).toMatchObject([
      { field: 'views.0', found: '"unheard_of"' },
      { field: 'views.1', found: '"pushed", which has nothing to load' },
    ]);
  });
});
