import type { Rehearsal, ScoredDay } from '../../contracts/batch';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { ArtifactManifest, ModelDeclaration } from '../../contracts/model';
import type { ServedVersion } from '../../contracts/release';
import { readCurrentGeneration } from '../../platform/releases';
import type { ObjectStore } from '../../platform/s3';
import { readDeclaration, resolveDeclaration } from '../registry/declarations';
import { rehearse, type RehearsalRequest } from './rehearse';
import { scoreDay, type ScoreDayRequest } from './score-day';

export type { ScoreDayRequest } from './score-day';

/** What scores a model's days: the version that is Production, and what it was declared as when it was trained. */
export interface BatchScorer {
  served: ServedVersion;
  declaration: ModelDeclaration;
}

export function createBatchActivities({ store }: { store: ObjectStore }) {
  return {
    /**
     * The version that serves, once for a whole run, so that all of its days are scored by the same.
     * @throws MeridianError UnknownModel; ModelNotReady where nothing has been released yet
     */
    findBatchScorer: async ({ model }: { model: string }): Promise<BatchScorer> => {
      await resolveDeclaration(store, model);
      const generation = await readCurrentGeneration(store, model);
      if (!generation) {
        throw new MeridianError(
          ErrorCode.ModelNotReady,
          `${model}: no version has been released, expected one in Production. Train and release one ` +
            `(npx meridian retrain ${model}), then retry.`,
          [],
          { retryable: false },
        );
      }
      const served = generation.production;
      const { provenance } = await store.getJson<ArtifactManifest>(served.artifactKey);
      return { served, declaration: await readDeclaration(store, model, provenance.declarationHash) };
    },

    /**
     * Scores one day's points and writes them to `anomalies/<model>/dt=<day>/`, once: a day that is scored by this version
     * on these very points is left as it is.
     * @throws MeridianError MissingObject, CorruptObject, DataQualityBreach, InvalidFeatures, BadArtifact
     */
    scoreDay: (request: ScoreDayRequest): Promise<ScoredDay> => scoreDay(store, request),

    /**
     * Scores the newest day with a candidate, in the shadow of what serves, and writes nothing. Null where there is no day.
     * @throws As `scoreDay`: a candidate that cannot score must not be released.
     */
    rehearse: (request: RehearsalRequest): Promise<Rehearsal | null> => rehearse(store, request),
  };
}
