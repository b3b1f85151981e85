import type { Day } from '../../contracts/days';
import type { StoreComparison } from '../../contracts/features';
import {
  percent,
  type ReviewManifest,
  type ReviewOutcome,
  type ReviewProgress,
  type Shortfall,
} from '../../contracts/label-review';
import type { Config } from '../../platform/config';
import type { Say } from '../../platform/slack';
import type { Telemetry } from '../../platform/telemetry';
import { workflowLink } from './workflow-link';

interface Dependencies {
  say: Say;
  telemetry: Telemetry;
  links: Config['links'];
  /** Temporal's, which its UI's links name. */
  namespace: string;
}

interface ParkedNotice {
  workflowId: string;
  runId: string;
  title: string;
  model: string | null;
  step: string;
  generation: number;
  failure: { type: string; message: string; where: string };
  choices: string[];
}

interface VerdictNotice {
  model: string;
  version: string;
  verdict: string;
  workflowId: string;
}

interface ConsistencyNotice {
  comparisons: StoreComparison[];
  /** The share of equal rows below which the team is told. */
  minScore: number;
  workflowId: string;
}

interface LateNotice {
  view: string;
  /** Days whose upstream partition is missing. */
  missing: Day[];
  /** Why days before those could not be computed again. */
  trouble: string[];
  /** The day that was loaded. */
  using: Day;
  workflowId: string;
}

interface ReviewNotice {
  manifest: ReviewManifest;
  progress: ReviewProgress;
  workflowId: string;
}

interface SettledNotice {
  model: string;
  quarter: string;
  outcome: ReviewOutcome;
  by: string;
  retrain: string;
  workflowId: string;
}

/** What people are told, once each. */
export function createNotificationActivities({ say, telemetry, links, namespace }: Dependencies) {
  const link = (workflowId: string) => workflowLink(links, namespace, workflowId);

  return {
    /** A run waits for a person. */
    async notifyParked({ workflowId, title, model, step, failure, choices }: ParkedNotice): Promise<void> {
      telemetry.count('pipeline.parked', 1, { model: model ?? 'none', step });
      await say(
        `${title}: needs a person`,
        `Step *${step}* failed${failure.where ? ` in ${failure.where}` : ''}: *${failure.type}*\n` +
          `\`\`\`${failure.message.slice(0, 1500)}\`\`\`\n` +
          `${link(workflowId)}: send the update \`resolveFailure\` (${choices.join(', ')}), or run \`npx meridian resolve ${workflowId} retry\`.`,
      );
    },

    /** A version did not pass its gate, and stays in Staging. */
    async notifyVerdict({ model, version, verdict, workflowId }: VerdictNotice): Promise<void> {
      telemetry.count('pipeline.not_passed', 1, { model, verdict });
      await say(
        `${version}: verdict ${verdict}`,
        `It stays in Staging. Every rule with its numbers: ${link(workflowId)}`,
      );
    },

    /** How equal the stores are: a gauge for every view that is loaded, and one message about those that are not equal enough. */
    async reportConsistency({ comparisons, minScore, workflowId }: ConsistencyNotice): Promise<void> {
      const loaded = comparisons.filter(({ watermark }) => watermark !== null);
      for (const { view, score } of loaded) telemetry.gauge('feature.consistency', score, { view });
      const below = loaded.filter(({ score }) => score < minScore);
      if (below.length === 0) return;
      await say(
        `Online and offline features differ: ${below.map(({ view }) => view).join(', ')}`,
        `${below.map(inWords).join('\n')}\nExpected a score of at least ${minScore}: ${link(workflowId)}. ` +
          'Load the view again, and look for another writer.',
      );
    },

    /** A load went on although data is late: what is missing, and what was loaded instead. */
    async notifyLate({ view, missing, trouble, using, workflowId }: LateNotice): Promise<void> {
      telemetry.count('feature.late', 1, { view });
      const days = missing.join(', ');
      const lacking = days ? [`An upstream partition is missing for ${days}.`] : [];
      await say(
        days ? `${view}: ${days} is late` : `${view}: late data could not be taken up`,
        [...lacking, ...trouble].join('\n') +
          `\nThe load went on with ${using}; the next one looks again: ${link(workflowId)}`,
      );
    },

    /** A label review is open: what is to be labelled, where it lies, how to go on. */
    async notifyReviewOpened({ manifest, workflowId }: ReviewNotice): Promise<void> {
      const { model, quarter, batch, settings } = manifest;
      const { uncertain, disagreeing, recent } = batch.reasons;
      telemetry.count('review.opened', 1, { model });
      await say(
        `${model}: labels to review, ${quarter}`,
        `${batch.events} events, ${settings.reviewersPerEvent} people each: ${uncertain} of which the model is unsure, ` +
          `${disagreeing} on which labels disagree, ${recent} recent ones. They are in \`${batch.key}\`.\n${howToLabel(model)}\n` +
          `It can be completed at a coverage of ${percent(settings.minCoverage)} and an agreement of ` +
          `${percent(settings.minAgreement)}; then ${model} is trained on the labels: ${link(workflowId)}`,
      );
    },

    /** A label review still waits. */
    async remindOfReview({
      manifest: { model, quarter, settings },
      progress,
      shortfalls,
      workflowId,
    }: ReviewNotice & { shortfalls: Shortfall[] }): Promise<void> {
      telemetry.gauge('review.coverage', progress.coverage, { model });
      const people = progress.reviewers.map(({ by, labels }) => `${by} ${labels}`).join(', ') || 'nobody yet';
      const next =
        shortfalls.length === 0
          ? `It may be completed: \`npx meridian labels complete ${model}\`.`
          : shortfalls.map(({ field, lacking }) => `• ${field} is ${lacking}`).join('\n');
      await say(
        `${model}: the label review ${quarter} waits`,
        `Covered: ${progress.covered} of ${progress.events} events (${percent(progress.coverage)} of at least ` +
          `${percent(settings.minCoverage)}). Labels so far: ${people}.\n${next}\n${howToLabel(model)}\n${link(workflowId)}`,
      );
    },

    /** A label review is completed: what it came to, and what follows. */
    async notifyReviewSettled({
      model,
      quarter,
      outcome: { reviewed, changed, added, coverage, agreement },
      by,
      retrain,
      workflowId,
    }: SettledNotice): Promise<void> {
      telemetry.count('review.settled', 1, { model });
      await say(
        `${model}: the label review ${quarter} is completed`,
        `By ${by}: ${reviewed} events reviewed, ${changed} labels changed, ${added} added; coverage ${percent(coverage)}` +
          `${agreement === null ? '' : `, agreement ${percent(agreement)}`}.\n` +
          `Training on them: ${link(retrain)}. The review: ${link(workflowId)}`,
      );
    },

    /** A schedule starts a run while an earlier one is still open. */
    async notifyStillOpen({
      schedule,
      starting,
      open,
    }: {
      schedule: string;
      starting: string;
      open: string[];
    }): Promise<void> {
      telemetry.count('schedule.still_open', 1, { schedule });
      await say(
        `${schedule}: an earlier run is still open`,
        `Starting ${link(starting)} while ${open.map(link).join(', ')} is open. It may be parked and wait for you.`,
      );
    },
  };
}

const inWords = ({ view, score, compared, pushed, equal, watermark, examples }: StoreComparison): string =>
  `*${view}* score ${score.toFixed(4)}: ${compared - pushed - equal} of ${compared} differ, loaded up to ${watermark}` +
  examples.map((example) => `\n• ${example}`).join('');

const howToLabel = (model: string): string =>
  `\`npx meridian labels next ${model}\` shows what to label next; \`npx meridian labels export ${model} --out F.csv\` writes ` +
  `all of it, and \`npx meridian labels submit ${model} --file F.csv\` takes the column \`label\` back.`;
