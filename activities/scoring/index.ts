import type { PredictOutcome, PredictRow } from '../../contracts/scoring';

export interface ScoringDependencies {
  /** The inference process's own prediction core; answers in the order of the rows and never rejects. */
  predictMany: (model: string, rows: readonly PredictRow[]) => Promise<PredictOutcome[]>;
}

/** Run as local activities, in the process that holds the models. */
export function createScoringActivities({ predictMany }: ScoringDependencies) {
  return {
    /** Scores rows of one model; what is wrong with a row is that row's own outcome. */
    predictRows: (model: string, rows: PredictRow[]): Promise<PredictOutcome[]> => predictMany(model, rows),
  };
}
