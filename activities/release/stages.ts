import type { Generation } from '../../contracts/release';
import { orNull, type Mlflow } from '../../platform/mlflow';
import type { ObjectStore } from '../../platform/s3';
import { unstage } from '../registry/staging';
import { findModelVersion, listModelVersions, moveStage } from '../registry/mlflow-versions';

export function createStageActivities(mlflow: Mlflow, store: ObjectStore) {
  return {
    /**
     * Brings stages and aliases in line with a generation: in MLflow exactly one Production, and a canary if there is one; the
     * promoted version is no longer the one that callers get from Staging.
     */
    async recordStages({ generation }: { generation: Generation }): Promise<void> {
      const { model, production, variants } = generation;
      const promoted = await findModelVersion(mlflow, model, production.version);
      const others = (await listModelVersions(mlflow, model)).filter((v) => v.version !== promoted.version);
      if (promoted.current_stage !== 'Production') {
        // One call archives the old Production and promotes the new one, so that there are never two.
        await mlflow.post('model-versions/transition-stage', {
          name: model,
          version: promoted.version,
          stage: 'Production',
          archive_existing_versions: true,
        });
      } else {
        for (const other of others.filter((v) => v.current_stage === 'Production'))
          await moveStage(mlflow, model, other.version, 'Archived');
      }
      await setAlias(mlflow, model, 'production', promoted.version);
      if ((await aliases(mlflow, model)).get('staging') === promoted.version)
        await removeAlias(mlflow, model, 'staging');
      await unstage(store, model, production.version);

      const candidate = variants.find(({ mode }) => mode !== 'live');
      if (!candidate) return removeAlias(mlflow, model, 'canary');
      const challenger = await findModelVersion(mlflow, model, candidate.version);
      if (challenger.current_stage !== 'Staging')
        await moveStage(mlflow, model, challenger.version, 'Staging');
      await setAlias(mlflow, model, 'canary', challenger.version);
    },
  };
}

async function setAlias(mlflow: Mlflow, model: string, alias: string, version: string): Promise<void> {
  await mlflow.post('registered-models/alias', { name: model, alias, version });
}

async function removeAlias(mlflow: Mlflow, model: string, alias: string): Promise<void> {
  await orNull(mlflow.remove('registered-models/alias', { name: model, alias }));
}

/** MLflow's version of each alias. */
async function aliases(mlflow: Mlflow, model: string): Promise<Map<string, string>> {
  const { registered_model: registered } = await mlflow.get<{
    registered_model: { aliases?: { alias: string; version: string }[] };
  }>('registered-models/get', { name: model });
  return new Map((registered.aliases ?? []).map(({ alias, version }) => [alias, version]));
}
