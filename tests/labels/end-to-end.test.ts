import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { createLabelActivities } from '../../activities/labels';
import { labelsCommand } from '../../client/commands/labels';
import { formatCsv, parseCsv } from '../../client/labels/csv';
import { EXPORT_COLUMNS } from '../../client/labels/review';
import type { ReviewStatus } from '../../contracts/label-review';
import { SearchAttribute } from '../../contracts/search-attributes';
import type { ReviewResult } from '../../workflows/review-labels';
import { type } from '../support/command-line';
import { until } from '../support/servers';
import { findTestTools } from '../support/tools';
import { replayAll, withWorkers } from '../support/workflow-environment';
import { failedGate, mockActivities, names, type Calls } from '../workflows/activities';
import { CLASSES, classifier, deliverEvents, resolvedOf } from './made-up-events';
import { setStage, type LabelStage } from './stage';

jest.setTimeout(60_000);

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
  Object.assign(process.env, {
    TEMPORAL_ADDRESS: environment.address,
    // Needed by other commands alone.
    REDIS_URL: 'redis://127.0.0.1:9',
    MLFLOW_TRACKING_URI: 'http://127.0.0.1:9',
  });
});
afterAll(async () => {
  await environment?.teardown();
  await stage?.tearDown();
});

const labels = (...args: string[]) => type(labelsCommand(), ...args);
const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await labels(...args, '--json')) as T;
const status = () => json<ReviewStatus>('status', MODEL);
const waitingFor = async (by: string): Promise<string[]> => {
  const { events } = await json<{ events: { event_id: string }[] }>('next', MODEL, '--by', by);
  return events.map(({ event_id }) => event_id);
};

it('goes from an opened review to corrected labels, through workers that come and go, in more runs than one', async () => {
  const calls: Calls = [];
  const [wrong, right, disputed] = CLASSES as [string, string, string];
  const events = hostile.map((text, index) => ({ event_id: `E${index}`, text, label: wrong }));
  const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
  await deliverEvents(stage.store, stage.folder, day, events);
  const activities = {
    ...mockActivities(calls, {
      resolveDeclaration: () => resolvedOf(classifier({ size: 4, lookBackDays: 7, minAgreement: 0.9 })),
      viewsToLoad: () => [],
      notifyReviewOpened: () => undefined,
      remindOfReview: () => undefined,
      notifyReviewSettled: () => undefined,
      evaluateVersion: failedGate,
    }),
    ...createLabelActivities(stage),
  };
  const withReview = <T>(test: () => Promise<T>): Promise<T> => withWorkers(environment, activities, test);
  const handle = environment.client.workflow.getHandle(workflowId);
  const submit = (by: string, event: string, label: string) =>
    labels('submit', MODEL, '--by', by, `${event}=${label}`);

  await withReview(async () => {
    await labels('open', MODEL, '--quarter', '2026-Q4');
    await until(
      'the review to be open',
      async () => (await handle.query<ReviewStatus>('reviewStatus')).state === 'open',
    );
    // Ana fills in the exported file, but for one event; Ben labels what waits for him.
    const file = join(stage.folder, 'F.csv');
    await labels('export', MODEL, '--by', 'ana', '--out', file);
    const rows = parseCsv(await readFile(file), file, ['event_id', 'label']);
    expect(new Set(rows.map(({ text }) => text))).toEqual(new Set(hostile));
    const filled = rows.map((row) => ({ ...row, label: row['event_id'] === 'E3' ? '' : right }));
    await writeFile(file, formatCsv(EXPORT_COLUMNS, filled));
    await labels('submit', MODEL, '--by', 'ana', '--file', file);
    const waiting = await waitingFor('ben');
    expect(waiting).toHaveLength(4);
    expect(waiting.at(-1)).toBe('E3');
    expect(await waitingFor('ana')).toEqual(['E3']);
  });

  const firstRun = (await handle.describe()).runId;
  const result = await withReview(async () => {
    for (let round = 0; round < 12; round += 1)
      await submit('ben', `E${round % 4}`, round < 6 ? disputed : right);
    await expect(labels('complete', MODEL, '--by', 'ana')).rejects.toMatchObject({
      cause: { type: 'InvalidInput' },
    });
    await submit('ana', 'E3', right);
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
    await labels('complete', MODEL, '--by', 'ana');
    const ended = (await handle.result()) as ReviewResult;
    await environment.client.workflow.getHandle(ended.retrain).result();
    return ended;
  });
  expect((await handle.describe()).runId).not.toBe(firstRun);
  expect(result).toMatchObject({
    reviewed: 4,
    changed: 4,
    added: 0,
    coverage: 1,
    agreement: 1,
    retrain: `retrain/${MODEL}/2026-Q4`,
  });
  const written = await stage.rows(`labels/${MODEL}/dt=${day}/part-0.parquet`, 'label, reviewed_by');
  expect(written).toEqual(hostile.map(() => ({ label: right, reviewed_by: 'ana, ben' })));
  expect(names(calls).filter((name) => name === 'notifyReviewOpened')).toHaveLength(1);
  // Labels of events never travel with what a run carries on.
  const { events: history } = await handle.fetchHistory();
  const carried = JSON.stringify(history![0]!.workflowExecutionStartedEventAttributes!.input);
  expect(Buffer.from(carried).length).toBeLessThan(8_000);
  await replayAll(environment.client);
});
