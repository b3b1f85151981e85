import { ListTrainingJobsCommand } from '@aws-sdk/client-sagemaker';
import type { AuditEntry } from '../../contracts/audit';
import { canonicalJson } from '../../contracts/canonical-json';
import type { Evaluation } from '../../contracts/evaluation';
import { Key } from '../../contracts/ids';
import type { ArtifactManifest } from '../../contracts/model';
import type { Generation, ReleasePointer } from '../../contracts/release';
import { listModelVersions } from '../../activities/registry/mlflow-versions';
import { sha256 } from '../../platform/s3';
import type { Platform } from './platform';
import type { Released } from './runs';

/** The training jobs whose names contain that text (`churn-<label>-`), with how each ended. */
export async function trainingJobs({ sagemaker }: Platform, text: string): Promise<string[]> {
  const { TrainingJobSummaries } = await sagemaker.send(
    new ListTrainingJobsCommand({ NameContains: text, MaxResults: 100 }),
  );
  return TrainingJobSummaries!.map((job) => `${job.TrainingJobName} ${job.TrainingJobStatus}`);
}

/** MLflow's versions of a model by ours, and its aliases. */
export async function registryOf({ mlflow }: Platform, model: string) {
  const versions = await listModelVersions(mlflow, model);
  const tag = (version: string): string =>
    versions.find((one) => one.version === version)!.tags!.find(({ key }) => key === 'version')!.value;
  const { registered_model } = await mlflow.get<{
    registered_model: { aliases?: { alias: string; version: string }[] };
  }>('registered-models/get', { name: model });
  return {
    versions: versions.map((one) => ({ ...one, ours: tag(one.version) })),
    stages: Object.fromEntries(versions.map((one) => [tag(one.version), one.current_stage])),
    aliases: Object.fromEntries(
      (registered_model.aliases ?? []).map(({ alias, version }) => [alias, tag(version)]),
    ),
  };
}

export async function servedBy({ store }: Platform, model: string): Promise<Generation> {
  const { key } = await store.getJson<ReleasePointer>(Key.releasePointer(model));
  return store.getJson<Generation>(key);
}

export const manifestOf = ({ store }: Platform, model: string, version: string): Promise<ArtifactManifest> =>
  store.getJson<ArtifactManifest>(`${Key.version(model, version)}manifest.json`);

/** One Production version, and the same everywhere: pointer, generation, MLflow's stage and its alias. */
export async function expectOneProduction(
  platform: Platform,
  model: string,
  { version, generation }: Pick<Released, 'version' | 'generation'>,
): Promise<void> {
  const served = await servedBy(platform, model);
  expect({ n: served.n, version: served.production.version }).toEqual({ n: generation, version });
  const { stages, aliases } = await registryOf(platform, model);
  const inProduction = Object.keys(stages).filter((one) => stages[one] === 'Production');
  expect({ inProduction, alias: aliases['production'] }).toEqual({
    inProduction: [version],
    alias: version,
  });
}

/** Every version was given to one run, and none is missing between the first and the last. */
export async function expectVersionsGivenOnce(platform: Platform, model: string): Promise<void> {
  const versions = await platform.store.listFolders(`models/${model}/`);
  expect([...versions].sort()).toEqual(versions.map((_, minor) => `${model}-v1.${minor}.0`).sort());
  const manifests = await Promise.all(versions.map((version) => manifestOf(platform, model, version)));
  expect(new Set(manifests.map(({ provenance }) => provenance.workflowId)).size).toBe(versions.length);
  const { versions: registered } = await registryOf(platform, model);
  expect(registered.map(({ ours }) => ours).sort()).toEqual([...versions].sort());
}

/** Every file of a version is the one that its manifest names, and its manifest the one that was judged and serves. */
export async function expectArtifactIntact(
  { store }: Platform,
  model: string,
  { production }: Pick<Generation, 'production'>,
): Promise<void> {
  const body = await store.get(production.artifactKey);
  expect(sha256(body)).toBe(production.sha256);
  const { files } = JSON.parse(body.toString('utf8')) as ArtifactManifest;
  const prefix = Key.version(model, production.version);
  for (const [name, file] of Object.entries(files)) {
    const content = await store.get(prefix + name);
    expect([name, sha256(content), content.length]).toEqual([name, file.sha256, file.bytes]);
  }
  const evaluation = await store.getJson<Evaluation>(`${prefix}evaluation.json`);
  expect(evaluation).toMatchObject({
    version: production.version,
    artifactHash: production.sha256,
    gate: { verdict: 'pass' },
  });
}

/** The log's entries, each sealed and chained to the one before. */
export async function auditOf({ store }: Platform, model: string): Promise<AuditEntry[]> {
  const keys = (await store.list(`audit/${model}/`)).map(({ key }) => key);
  const entries = await Promise.all(keys.map((key) => store.getJson<AuditEntry>(key)));
  entries.forEach(({ hash, ...entry }, index) => {
    expect(entry.n).toBe(index + 1);
    expect(entry.previous).toBe(entries[index - 1]?.hash ?? null);
    expect(hash).toBe(sha256(canonicalJson(entry)));
  });
  return entries;
}
