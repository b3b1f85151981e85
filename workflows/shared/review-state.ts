import { DAY_MS } from '../../contracts/days';
import {
  percent,
  shortfallsOf,
  type ReviewManifest,
  type ReviewProgress,
  type Shortfall,
} from '../../contracts/label-review';

/** What of a review travels across continue-as-new: names and counts, never labels. */
export interface ReviewStateData {
  manifest: ReviewManifest;
  progress: ReviewProgress;
  /** Of the newest submission. */
  sequence: number;
  /** Epoch milliseconds. */
  nextReminderAt: number;
}

/** The state of `reviewLabels` while people label. Pure: the clock is handed in. */
export class ReviewState {
  constructor(readonly data: ReviewStateData) {}

  static open(
    manifest: ReviewManifest,
    progress: ReviewProgress,
    sequence: number,
    now: number,
  ): ReviewState {
    const nextReminderAt = now + manifest.settings.remindEveryDays * DAY_MS;
    return new ReviewState({ manifest, progress, sequence, nextReminderAt });
  }

  /** Numbers a submission, in the order in which they were accepted. */
  nextSequence(): number {
    this.data.sequence += 1;
    return this.data.sequence;
  }

  /** What was counted later stands, whichever answer comes first. */
  update(progress: ReviewProgress): void {
    if (progress.revision > this.data.progress.revision) this.data.progress = progress;
  }

  get shortfalls(): Shortfall[] {
    return shortfallsOf(this.data.progress, this.data.manifest.settings);
  }

  millisecondsToReminder(now: number): number {
    return Math.max(this.data.nextReminderAt - now, 1);
  }

  /** The next one is due a whole interval after this moment, however late this one was. */
  reminded(now: number): void {
    this.data.nextReminderAt = now + this.data.manifest.settings.remindEveryDays * DAY_MS;
  }
}

/** How far it has come and what a person may do now, as markdown. */
export function describeProgress({ manifest, progress }: ReviewStateData, shortfalls: Shortfall[]): string {
  const { model, settings, batch } = manifest;
  const { events, covered, coverage, agreement, kappa, tied, reviewers } = progress;
  const agreed =
    agreement === null
      ? 'no event has two labels yet'
      : `${percent(agreement)}${kappa === null ? '' : ` (Fleiss’ kappa ${kappa.toFixed(2)})`}`;
  return [
    `People label ${events} events (\`${batch.key}\`), ${settings.reviewersPerEvent} people each`,
    `  - coverage ${percent(coverage)} of at least ${percent(settings.minCoverage)}: ${covered} of ${events} events${tied > 0 ? `, ${tied} tied` : ''}`,
    `  - agreement ${agreed}, of at least ${percent(settings.minAgreement)}`,
    ...reviewers.map(({ by, labels, lastAt }) => `  - ${by}: ${labels} labels, the newest ${lastAt}`),
    ...nextSteps(model, shortfalls).map((line) => `  - ${line}`),
  ].join('\n');
}

/** What a person may do now, in words. */
export function nextSteps(model: string, shortfalls: Shortfall[]): string[] {
  const label =
    `Label: \`npx meridian labels next ${model}\`, then \`npx meridian labels submit ${model} --file F.csv\`, ` +
    'or the update `submitLabels` here';
  if (shortfalls.length > 0)
    return [label, ...shortfalls.map(({ field, lacking }) => `To complete it, ${field} is still ${lacking}`)];
  return [
    `Complete it: \`npx meridian labels complete ${model}\`, or the update \`completeReview\` with \`{"by": "…"}\` here`,
    label,
  ];
}
