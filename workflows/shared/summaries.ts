import { proxyActivities, type ActivityInterfaceFor, type ActivityOptions } from '@temporalio/workflow';

/** What each activity does, as the Temporal UI shows it beside the event. */
const SUMMARIES: Record<string, string> = {
  resolveDeclaration: 'Read the model’s declaration',
  listModels: 'List the declared models',
  viewsToLoad: 'Read the feature views that are kept loaded',
  labelEntities: 'Label the entities of each observation day',
  computeFeatures: 'Compute features into the offline store',
  materializeView: 'Load the newest features into the online store',
  enforceOptOuts: 'Take out who asked to be left out, and prove it',
  compareStores: 'Compare a sample of both stores',
  snapshotDataset: 'Join labels with the features known at the time',
  snapshotSeries: 'Check the points and split them by time',
  findBatchScorer: 'Find the version that serves',
  scoreDay: 'Score a day and write what is anomalous',
  rehearse: 'Score the newest day with the candidate, and write nothing',
  validateSnapshot: 'Check the dataset before anything is trained on it',
  estimateCost: 'Estimate the cost by past trainings',
  recordCost: 'Put on record what the training cost',
  findLimits: 'Look for limits that apply to the job',
  awaitUnits: 'Wait for the job’s turn',
  holdUnits: 'Keep what the job holds of the limit',
  releaseUnits: 'Give back what the job held of the limit',
  startTrainingJob: 'Start the training job, or adopt it',
  awaitTrainingJob: 'Wait for the training job',
  stopTrainingJob: 'Stop the training job of a cancelled run',
  startTuningJob: 'Start the search for hyperparameters, or adopt it',
  awaitTuningJob: 'Wait for the search for hyperparameters',
  stopTuningJob: 'Stop the search of a cancelled run',
  allocateVersion: 'Ask the model’s writer for a version',
  packageVersion: 'Unpack the artifact and write its manifest',
  logTrials: 'Log each trial of the search in MLflow',
  registerVersion: 'Log the training in MLflow and register the version in Staging',
  describeContest: 'Find the version and the champion it meets',
  evaluateVersion: 'Score the held-out rows and judge',
  recordEvaluation: 'Put metrics and verdict on record in MLflow',
  requestDecision: 'Ask the model’s writer for a decision',
  awaitDecision: 'Wait until the decision is carried out',
  recoverState: 'Read what has been released',
  planDecision: 'Check the decision against what serves',
  writeGeneration: 'Write the next generation',
  movePointer: 'Point release.json at the generation',
  recordStages: 'Write stages and aliases in MLflow',
  awaitServing: 'Wait until every inference worker serves it',
  append: 'Append to the audit log',
  countPredictions: 'Count the candidate’s predictions',
  findOpenRuns: 'Look for earlier runs that are still open',
  notifyParked: 'Tell the team that a person is needed',
  notifyTrainingEnded: 'Tell who started the training how it ended',
  notifyVerdict: 'Tell the team that a version did not pass',
  notifyLate: 'Tell the team that a load went on with the day before',
  reportConsistency: 'Report how equal both stores are',
  notifyStillOpen: 'Tell the team that an earlier run is still open',
  openReview: 'Draw the sample and write the batch, or find it',
  recordLabels: 'Keep a submission and count the labels',
  settleReview: 'Find the label that most reviewers gave each event',
  applyReview: 'Write the reviewed labels over the delivered ones',
  notifyReviewOpened: 'Tell the team what is to be labelled',
  remindOfReview: 'Remind the team of the review',
  notifyReviewSettled: 'Tell the team what the review came to',
};

/** Activities whose events say in words what they do; `executeWithOptions` may say it better. */
export function inWords<A>(options: ActivityOptions): ActivityInterfaceFor<A> {
  const plain = proxyActivities<Record<string, (...args: unknown[]) => Promise<unknown>>>(options);
  const speaking = new Proxy(plain, {
    get(_, name: string) {
      const activity = plain[name]!;
      const call = (...args: unknown[]) => activity.executeWithOptions({ summary: SUMMARIES[name] }, args);
      const executeWithOptions: typeof activity.executeWithOptions = (more, args) =>
        activity.executeWithOptions(more, args);
      return Object.assign(call, { executeWithOptions });
    },
  });
  return speaking as unknown as ActivityInterfaceFor<A>;
}
