import { TestWorkflowEnvironment } from '@temporalio/testing';
import { createLabelActivities } from '../../activities/labels';
import { parseCsv, formatCsv } from '../../client/labels/csv';
import {
  checkLabels,
  eventsFor,
  EXPORT_COLUMNS,
  exportRows,
  labelsOfRows,
  readReview,
  submissionsOf,
} from '../../client/labels/review';
import type { ReviewStatus } from '../../contracts/label-review';
import { SearchAttribute } from '../../contracts/search-attributes';
import { TaskQueue } from '../../contracts/task-queues';
import type { ReviewResult } from '../../workflows/review-labels';
import { until } from '../support/servers';
import { findTestTools } from '../support/tools';
import { replayAll, withWorkers } from '../support/workflow-environment';
import { mockActivities, names, type Calls } from '../workflows/activities';
import { CLASSES, classifier, deliverEvents, resolvedOf } from './made-up-events';
import { setStage, type LabelStage } from './stage';

jest.setTimeout(240_000);

const MODEL = 'messages-classifier';
const workflowId = `review-labels/${MODEL}/2026-Q4`;
const hostile = ['a, "b"', 'two\nlines', '🙂 größe', ' = '];

let stage: LabelStage;
let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  stage = await setStage();
  const { temporal } = await findTestTools();
  environment = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: temporal },
      searchAttributes: Object.values(SearchAttribute),
      // So that a few submissions are enough for the review to go on in a new run.
      extraArgs: ['--dynamic-config-value', 'limit.historyCount.suggestContinueAsNew=60'],
      log: { format: 'json', level: 'error' },
    },
  });
});
afterAll(async () => {
  await environment?.teardown();
  await stage?.tearDown();
});

it('goes from an opened review to corrected labels, through workers that come and go, in more runs than one', async () => {
  const calls: Calls = [];
  const events = hostile.map((text, index) => ({ event_id: `E${index}`, text, label: CLASSES[0]! }));
  const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
  await deliverEvents(stage.store, stage.folder, day, events);
  const activities = {
    ...mockActivities(calls, {
      resolveDeclaration: () => resolvedOf(classifier({ size: 4, lookBackDays: 7, minAgreement: 0.9 })),
      viewsToLoad: () => [],
      notifyReviewOpened: () => undefined,
      remindOfReview: () => undefined,
      notifyReviewSettled: () => undefined,
    }),
    ...createLabelActivities(stage),
  };
  const withReview = <T>(test: () => Promise<T>): Promise<T> => withWorkers(environment, activities, test);
  const handle = environment.client.workflow.getHandle(workflowId);
  const submit = async (by: string, labels: { event_id: string; label: string }[]) => {
    const review = await readReview(stage.store, MODEL);
    checkLabels(review, labels);
    for (const part of submissionsOf(labels))
      await handle.executeUpdate('submitLabels', { args: [{ by, labels: part }] });
  };
  const status = () => handle.query<ReviewStatus>('reviewStatus');

  await withReview(async () => {
    await environment.client.workflow.start('reviewLabels', {
      workflowId,
      taskQueue: TaskQueue.pipelines,
      args: [{ model: MODEL, quarter: '2026-Q4' }],
    });
    await until('the review to be open', async () => (await status()).state === 'open');
    // Ana fills in the exported file; Ben labels what waits for him.
    const review = await readReview(stage.store, MODEL);
    const file = Buffer.from(formatCsv(EXPORT_COLUMNS, exportRows(review, 'ana')));
    const rows = parseCsv(file, 'F.csv', ['event_id', 'label']);
    expect(new Set(rows.map(({ text }) => text))).toEqual(new Set(hostile));
    await submit(
      'ana',
      labelsOfRows(rows.map((row) => ({ ...row, label: row['event_id'] === 'E3' ? '' : CLASSES[1]! }))),
    );
    const waiting = eventsFor(await readReview(stage.store, MODEL), 'ben', 10);
    expect(waiting.map(({ event_id }) => event_id)).toHaveLength(4);
    expect(waiting.at(-1)!.event_id).toBe('E3');
    expect(eventsFor(await readReview(stage.store, MODEL), 'ana', 10)).toMatchObject([{ event_id: 'E3' }]);
  });

  const firstRun = (await handle.describe()).runId;
  await withReview(async () => {
    for (let round = 0; round < 12; round += 1)
      await submit('ben', [{ event_id: `E${round % 4}`, label: CLASSES[round < 6 ? 2 : 1]! }]);
    await submit('ana', [{ event_id: 'E3', label: CLASSES[1]! }]);
    expect(await status()).toMatchObject({
      shortfalls: [],
      progress: {
        coverage: 1,
        agreement: 1,
        reviewers: [
          { by: 'ana', labels: 4 },
          { by: 'ben', labels: 4 },
        ],
      },
    });
    await handle.executeUpdate('completeReview', { args: [{ by: 'ana' }] });
  });
  expect((await handle.describe()).runId).not.toBe(firstRun);

  const result = await withReview(async () => {
    const ended = (await handle.result()) as ReviewResult;
    await environment.client.workflow.getHandle(ended.retrain).result();
    await environment.client.workflow
      .getHandle('roll-out/churn/churn-v1.0.0')
      .result()
      .catch(() => undefined);
    return ended;
  });
  expect(result).toMatchObject({
    reviewed: 4,
    changed: 4,
    added: 0,
    coverage: 1,
    agreement: 1,
    retrain: `retrain/${MODEL}/2026-Q4`,
  });
  const labels = await stage.rows(`labels/${MODEL}/dt=${day}/part-0.parquet`, 'label, reviewed_by');
  expect(labels).toEqual(hostile.map(() => ({ label: CLASSES[1], reviewed_by: 'ana, ben' })));
  expect(names(calls).filter((name) => name === 'notifyReviewOpened')).toHaveLength(1);
  // Labels of events never travel with what a run carries on.
  const { events: history } = await handle.fetchHistory();
  const carried = JSON.stringify(history![0]!.workflowExecutionStartedEventAttributes!.input);
  expect(Buffer.from(carried).length).toBeLessThan(8_000);
  await replayAll(environment.client, { open: { 'roll-out/': 'it is another test’s' } });
});
