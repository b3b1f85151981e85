import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { Mlflow } from '../../platform/mlflow';

export interface ModelVersion {
  name: string;
  version: string;
  run_id: string;
  current_stage: Stage;
  tags?: { key: string; value: string }[];
}

/** "None" is MLflow's word for Development. */
export type Stage = 'None' | 'Staging' | 'Production' | 'Archived';

/** The versions of a model, oldest first: MLflow numbers them in the order they are made. */
export async function listModelVersions(mlflow: Mlflow, model: string): Promise<ModelVersion[]> {
  const versions: ModelVersion[] = [];
  let token = '';
  do {
    const page = await mlflow.get<{ model_versions?: ModelVersion[]; next_page_token?: string }>(
      'model-versions/search',
      {
        filter: `name='${model}'`,
        max_results: '200',
        ...(token && { page_token: token }),
      },
    );
    versions.push(...(page.model_versions ?? []));
    token = page.next_page_token ?? '';
  } while (token);
  return versions.toSorted((a, b) => Number(a.version) - Number(b.version));
}

/**
 * The one that carries our version as its tag. A request that seemed lost may have made it twice: then the oldest is
 * meant, whoever asks.
 */
export const tagged = (versions: ModelVersion[], version: string): ModelVersion | undefined =>
  versions.find((v) => v.tags?.some(({ key, value }) => key === 'version' && value === version));

/** MLflow's version that carries ours as its tag. */
export async function findModelVersion(
  mlflow: Mlflow,
  model: string,
  version: string,
): Promise<ModelVersion> {
  const versions = await listModelVersions(mlflow, model);
  const found = tagged(versions, version);
  if (found) return found;
  throw new MeridianError(
    ErrorCode.MissingObject,
    `MLflow has no version of ${model} tagged version=${version} (it has ${versions.length} versions). Register it first.`,
  );
}

/** Moves one version; the others stay where they are (`transition-stage` insists on being told). */
export async function moveStage(mlflow: Mlflow, model: string, version: string, stage: Stage): Promise<void> {
  await mlflow.post('model-versions/transition-stage', {
    name: model,
    version,
    stage,
    archive_existing_versions: false,
  });
}
