import {
  allHandlersFinished,
  condition,
  continueAsNew,
  ParentClosePolicy,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { daysEndingWith, type Day } from '../contracts/days';
import { ErrorCode, MeridianError } from '../contracts/errors';
import { validateReviewLabelsInput } from '../contracts/generated/validators';
import type { ReviewLabelsInput } from '../contracts/generated/types';
import { WorkflowId } from '../contracts/ids';
import {
  percent,
  quarterOf,
  reviewSettingsOf,
  type OpenedReview,
  type ReviewOutcome,
} from '../contracts/label-review';
import { isSupervised, type FeatureView, type ResolvedDeclaration } from '../contracts/model';
import { labels, notifications, registry } from './shared/activities';
import { computeDays } from './shared/back-fill';
import { summarize, unlessCancelled } from './shared/failure';
import { asFailure, parseInput } from './shared/input';
import { lastCompleteDay, pacificDate } from './shared/pacific-date';
import { ReviewDesk } from './shared/review-desk';
import { describeProgress, ReviewState, type ReviewStateData } from './shared/review-state';
import { Run } from './shared/run';
import type { retrainModel } from './retrain-model';

export interface ReviewResult extends ReviewOutcome {
  completedBy: string;
  /** The workflow that trains on the reviewed labels. */
  retrain: string;
}

/** A history of more bytes is begun anew, well before the server asks for it: every submission is in it. */
const HISTORY_BYTES = 4 * 1024 * 1024;

/**
 * Opens the label review of a quarter: draws the events, tells the team, and waits for as long as people need. Completed
 * by a person, it writes the reviewed labels over the delivered ones and starts `retrainModel`.
 */
export async function reviewLabels(raw: unknown): Promise<ReviewResult> {
  const input = parseInput<ReviewLabelsInput>(validateReviewLabelsInput, 'reviewLabels', raw);
  const { model, trigger = 'person' } = input;
  const quarter = input.quarter ?? quarterOf(pacificDate(workflowInfo().startTime));
  const run = new Run(`Review the labels of ${model}, ${quarter}`, { model, trigger });
  const desk = new ReviewDesk(model, quarter, () => showProgress(run, desk));
  desk.receive();

  if (input.state) desk.open(new ReviewState(input.state as unknown as ReviewStateData));
  else await open(run, desk);
  const completed = await run.step(
    'review',
    { doing: 'Waiting for people', done: (by) => (by ? `completed by ${by}` : 'goes on in a new run') },
    () => awaitCompletion(run, desk),
  );
  if (completed === null)
    return continueAsNew<typeof reviewLabels>({ model, quarter, trigger, state: { ...desk.state!.data } });

  const outcome = await run.step(
    'settle',
    { doing: 'Finding the label that most reviewers gave', done: describeOutcome },
    () => labels.settleReview({ model, quarter }),
  );
  await run.step(
    'apply',
    {
      doing: 'Writing the reviewed labels over the delivered ones',
      done: (days) => `labels of ${days.length} days`,
      abortable: false,
    },
    () => labels.applyReview({ model, quarter }),
  );
  const retrain = await run.step(
    'retrain',
    { doing: 'Starting the training on the reviewed labels', done: (id) => id, abortable: false },
    () => startRetraining(model, quarter, completed),
  );
  await notifications
    .notifyReviewSettled({
      model,
      quarter,
      outcome,
      by: completed,
      retrain,
      workflowId: workflowInfo().workflowId,
    })
    .catch(unlessCancelled);
  return { ...outcome, completedBy: completed, retrain };
}

/** From the declaration to a batch that the team knows of. */
async function open(run: Run, desk: ReviewDesk): Promise<void> {
  const { model, quarter } = desk;
  const { workflowId, firstExecutionRunId, startTime } = workflowInfo();
  const resolved = await run.step(
    'declare',
    { doing: 'Reading the declaration', done: (r) => `declaration ${r.hash.slice(0, 12)}…` },
    () => registry.resolveDeclaration({ model }),
  );
  const view = textViewOf(resolved);
  const { lookBackDays } = reviewSettingsOf(resolved.declaration);
  const days = daysEndingWith(lastCompleteDay(startTime), lookBackDays);
  await run.step<number>(
    'events',
    {
      doing: `Making sure that the events of ${days.length} days are there`,
      done: (n) => `${n} days have events`,
      skip: () => 0,
    },
    () => ensureEvents(model, view, days),
  );
  const opened = await run.step(
    'sample',
    {
      doing: 'Drawing the events to review',
      done: ({ manifest: { batch } }) => `${batch.events} events in \`${batch.key}\``,
    },
    () =>
      labels.openReview({
        resolved,
        quarter,
        window: { from: days[0]!, to: days.at(-1)! },
        seed: `${workflowId}/${firstExecutionRunId}`,
      }),
  );
  refuseSettled(opened, model, quarter);
  const { manifest, progress, sequence } = opened;
  desk.open(ReviewState.open(manifest, progress, sequence, Date.now()));
  await notifications.notifyReviewOpened({ manifest, progress, workflowId }).catch(unlessCancelled);
}

/** Waits, and reminds. Null where the history has grown too long: the review then goes on in a new run. */
async function awaitCompletion(run: Run, desk: ReviewDesk): Promise<string | null> {
  const { workflowId } = workflowInfo();
  const state = desk.state!;
  showProgress(run, desk);
  for (;;) {
    const woken = await condition(
      () => desk.completedBy !== null || historyIsLong(),
      state.millisecondsToReminder(Date.now()),
    );
    if (woken) {
      await condition(allHandlersFinished);
      return desk.completedBy;
    }
    state.reminded(Date.now());
    const { manifest, progress } = state.data;
    await notifications
      .remindOfReview({ manifest, progress, shortfalls: state.shortfalls, workflowId })
      .catch(unlessCancelled);
  }
}

function historyIsLong(): boolean {
  const { continueAsNewSuggested, historySize } = workflowInfo();
  return continueAsNewSuggested || historySize > HISTORY_BYTES;
}

function showProgress(run: Run, { state }: ReviewDesk): void {
  if (state) run.note(describeProgress(state.data, state.shortfalls));
}

/** The view that the text of the events is read from. */
function textViewOf({ declaration }: ResolvedDeclaration): FeatureView {
  const { name, kind, inputs, views } = declaration;
  const text = inputs.find(({ type }) => type === 'text');
  const view = views.find((one) => one.name === text?.view);
  if (kind === 'text-classifier' && isSupervised(declaration) && declaration.label.classes && view)
    return view;
  throw asFailure(
    new MeridianError(
      ErrorCode.InvalidInput,
      `${name}: found kind ${kind}, expected text-classifier with label.classes and an input of type text: its labels are ` +
        'what people review. Nothing was done.',
      [{ field: 'model', found: name, expected: 'a text-classifier' }],
    ),
  );
}

/**
 * Computes (or checks) the view over the days, as it is published; days without raw data have no events.
 * @returns how many days have some.
 */
async function ensureEvents(model: string, view: FeatureView, days: readonly Day[]): Promise<number> {
  const published = await registry.viewsToLoad({ models: [model] });
  const current =
    published.find(({ name, version }) => name === view.name && version === view.version) ?? view;
  const first = await computeDays(current, days, 'changed');
  // Day by day, so that only those are passed over which have nothing.
  const again = await computeDays(
    current,
    first.failures.flatMap((failure) => failure.days),
    'changed',
    1,
  );
  const failure = again.failures.find(({ error }) => summarize(error).type !== ErrorCode.MissingObject);
  if (failure) throw failure.error;
  return first.partitions.length + again.partitions.length;
}

function refuseSettled({ settledAt }: OpenedReview, model: string, quarter: string): void {
  if (settledAt === null) return;
  throw asFailure(
    new MeridianError(
      ErrorCode.Conflict,
      `The label review of ${model}, ${quarter}, was completed at ${settledAt}: a quarter is reviewed once. Nothing was ` +
        `done. The reviewed labels are in use; retrain with \`npx meridian retrain ${model}\`.`,
    ),
  );
}

const describeOutcome = ({ reviewed, changed, added, coverage, agreement }: ReviewOutcome): string =>
  `${reviewed} events reviewed: ${changed} labels changed, ${added} added; coverage ${percent(coverage)}` +
  (agreement === null ? '' : `, agreement ${percent(agreement)}`);

/** Once a quarter: a run that was started before is the same. */
async function startRetraining(model: string, quarter: string, by: string): Promise<string> {
  const workflowId = WorkflowId.retrain(model, quarter);
  try {
    await startChild<typeof retrainModel>('retrainModel', {
      workflowId,
      args: [
        {
          model,
          label: quarter,
          trigger: 'label-review',
          reason: `label review ${quarter}, completed by ${by}`,
        },
      ],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      staticSummary: `Retrain ${model} on the labels reviewed in ${quarter}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return workflowId;
}
