import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { WorkflowId } from '../../contracts/ids';
import {
  percent,
  quarterOf,
  type CompletedReview,
  type ReviewStatus,
  type SubmissionReceipt,
} from '../../contracts/label-review';
import { TaskQueue } from '../../contracts/task-queues';
import { pacificDate } from '../../workflows/shared/pacific-date';
import { formatCsv, parseCsv } from '../labels/csv';
import {
  checkLabels,
  eventsFor,
  EXPORT_COLUMNS,
  exportRows,
  findQuarter,
  labelsOfRows,
  parsePairs,
  readReview,
  submissionsOf,
} from '../labels/review';
import { print } from '../output';
import { withPlatform, type Platform } from '../platform';

interface Options {
  quarter?: string;
  json?: boolean;
}
type ByOptions = Options & { by: string };

export function labelsCommand(): Command {
  return new Command('labels')
    .description('Label reviews: open one, label events, complete it')
    .addCommand(openCommand())
    .addCommand(nextCommand())
    .addCommand(submitCommand())
    .addCommand(completeCommand())
    .addCommand(exportCommand())
    .addCommand(statusCommand());
}

const command = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .argument('<model>', 'the model, such as event-classifier')
    .option('--quarter <quarter>', 'which review, such as 2026-Q4; default: the newest')
    .option('--json', 'print JSON');

const byCommand = (name: string, description: string): Command =>
  command(name, description).option('--by <name>', 'who labels', userInfo().username);

function openCommand(): Command {
  return command('open', 'Open the label review of a quarter; by default of this one').action(
    (model: string, options: Options) =>
      withPlatform(async (platform) => {
        const quarter = options.quarter ?? quarterOf(pacificDate(new Date()));
        const client = await platform.temporal();
        const { workflowId } = await client.workflow.start('reviewLabels', {
          workflowId: WorkflowId.reviewLabels(model, quarter),
          taskQueue: TaskQueue.pipelines,
          args: [{ model, quarter, trigger: 'person' }],
          workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
          workflowIdConflictPolicy: 'USE_EXISTING',
          staticSummary: `Review the labels of ${model}`,
        });
        print({ workflowId }, options, () => [`open: ${workflowId}`]);
      }),
  );
}

function nextCommand(): Command {
  return byCommand('next', 'What to label next')
    .option('--count <n>', 'how many events', atLeastOne, 10)
    .action((model: string, options: ByOptions & { count: number }) =>
      withPlatform(async (platform) => {
        const review = await readReview(platform.store(), model, options.quarter);
        const events = eventsFor(review, options.by, options.count).map(({ event_id, text }) => ({
          event_id,
          text,
        }));
        const { quarter, classes } = review.manifest;
        print({ model, quarter, by: options.by, classes, events }, options, () =>
          events.length === 0
            ? [`nothing waits for ${options.by}`]
            : [
                ...events.map(({ event_id, text }) => `${event_id}\t${onOneLine(text)}`),
                '',
                `Classes: ${classes.join(', ')}`,
                `Submit: npx meridian labels submit ${model} --by ${options.by} '<event>=<class>' …`,
              ],
        );
      }),
    );
}

function submitCommand(): Command {
  return byCommand('submit', 'Hand in labels')
    .argument('[labels...]', 'event=label')
    .option(
      '--file <csv>',
      'a CSV file with the columns event_id and label; rows without a label are passed over',
    )
    .option('--submission-id <id>', 'names the submission: the same one again counts once')
    .action((model: string, pairs: string[], options: SubmitOptions) =>
      withPlatform(async (platform) => {
        const receipt = await submit(platform, model, pairs, options);
        const { progress, labels } = receipt;
        print(receipt, options, () => [
          `${labels} labels by ${options.by}`,
          `covered: ${progress.covered} of ${progress.events} events (${percent(progress.coverage)})`,
        ]);
      }),
    );
}

type SubmitOptions = ByOptions & { file?: string; submissionId?: string };

async function submit(
  platform: Platform,
  model: string,
  pairs: readonly string[],
  { file, by, quarter, submissionId = randomUUID() }: SubmitOptions,
): Promise<Pick<SubmissionReceipt, 'labels' | 'progress'> & { submissions: string[] }> {
  const rows = file === undefined ? [] : parseCsv(await readFile(file), file, ['event_id', 'label']);
  const labels = [...parsePairs(pairs), ...labelsOfRows(rows)];
  const review = await readReview(platform.store(), model, quarter);
  checkLabels(review, labels);
  const workflowId = WorkflowId.reviewLabels(model, review.manifest.quarter);
  const handle = (await platform.temporal()).workflow.getHandle(workflowId);
  const receipts: SubmissionReceipt[] = [];
  for (const [index, part] of submissionsOf(labels).entries()) {
    receipts.push(
      await handle.executeUpdate<SubmissionReceipt, [object]>('submitLabels', {
        args: [{ by, submissionId: `${submissionId}/${index + 1}`, labels: part }],
      }),
    );
  }
  return {
    labels: labels.length,
    submissions: receipts.map((receipt) => receipt.submissionId),
    progress: receipts.at(-1)!.progress,
  };
}

function completeCommand(): Command {
  return byCommand(
    'complete',
    'Complete the review: the labels are written, and the model is trained',
  ).action((model: string, options: ByOptions) =>
    withPlatform(async (platform) => {
      const handle = await reviewHandle(platform, model, options);
      const completed = await handle.executeUpdate<CompletedReview, [object]>('completeReview', {
        args: [{ by: options.by }],
      });
      print(completed, options, () => [`completed by ${completed.by}`, `training: ${completed.retrain}`]);
    }),
  );
}

function exportCommand(): Command {
  return byCommand('export', 'Write all events as CSV, with the labels that you have given so far')
    .requiredOption('--out <csv>', 'the file to write')
    .action((model: string, options: ByOptions & { out: string }) =>
      withPlatform(async (platform) => {
        const review = await readReview(platform.store(), model, options.quarter);
        await writeFile(options.out, formatCsv(EXPORT_COLUMNS, exportRows(review, options.by)));
        const result = {
          out: options.out,
          quarter: review.manifest.quarter,
          events: review.events.length,
          columns: EXPORT_COLUMNS,
        };
        print(result, options, () => [
          `${options.out}: ${review.events.length} events. Fill in the column label, then submit the file.`,
        ]);
      }),
    );
}

function statusCommand(): Command {
  return command('status', 'How far a review has come, and what may be done now').action(
    (model: string, options: Options) =>
      withPlatform(async (platform) => {
        const handle = await reviewHandle(platform, model, options);
        const status = await handle.query<ReviewStatus>('reviewStatus');
        print(status, options, () => linesOf(status));
      }),
  );
}

function linesOf({ model, quarter, state, progress, shortfalls, completedBy, next }: ReviewStatus): string[] {
  const head = `${model} ${quarter}: ${state}${completedBy === null ? '' : ` by ${completedBy}`}`;
  if (progress === null) return [head];
  const { covered, events, withheld, coverage, agreement, kappa, reviewers } = progress;
  return [
    head,
    `coverage ${percent(coverage)} (${covered} of ${events} events)`,
    ...(withheld ? [`${withheld} events are withheld: who wrote them has opted out`] : []),
    `agreement ${agreement === null ? '-' : percent(agreement)}${kappa === null ? '' : `, Fleiss' kappa ${kappa.toFixed(2)}`}`,
    ...reviewers.map(({ by, labels }) => `${by}: ${labels} labels`),
    ...shortfalls.map(({ field, lacking }) => `${field} is ${lacking}`),
    ...next,
  ];
}

async function reviewHandle(platform: Platform, model: string, { quarter }: Options) {
  const found = await findQuarter(platform.store(), model, quarter);
  return (await platform.temporal()).workflow.getHandle(WorkflowId.reviewLabels(model, found));
}

function atLeastOne(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('Expected a whole number of at least 1.');
}

/** Whoever wrote the text does not get to move the cursor. */
const onOneLine = (text: string): string =>
  // eslint-disable-next-line no-control-regex
  text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
