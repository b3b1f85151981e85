import {
  ApplicationFailure,
  type Client,
  WorkflowNotFoundError,
  type WorkflowHandle,
  type WorkflowUpdateFailedError,
} from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { progressOf, addSubmission } from '../../activities/labels/agreement';
import type { SubmissionRequest } from '../../activities/labels';
import { WorkflowId } from '../../contracts/ids';
import {
  quarterOf,
  reviewSettingsOf,
  type OpenedReview,
  type ReviewStatus,
  type Submission,
  type Vote,
} from '../../contracts/label-review';
import { TaskQueue } from '../../contracts/task-queues';
import { churn } from '../../models/churn/model';
import type { LaunchResult } from '../../workflows/launch';
import type { ReviewResult } from '../../workflows/review-labels';
import { pacificDate } from '../../workflows/shared/pacific-date';
import { failedGate, mockActivities, names, type Calls } from '../workflows/activities';
import { until } from '../support/servers';
import {
  replayAll,
  replayTimeSkipped,
  startTemporal,
  startTimeSkippingTemporal,
  uniqueLabel,
  withWorkers,
} from '../support/workflow-environment';
import { classifier, resolvedOf } from './made-up-events';

const DAY_MS = 86_400_000;
const EVENTS = ['E1', 'E2', 'E3', 'E4'];

jest.setTimeout(45_000);

type Mocks = ReturnType<typeof mockActivities>;

describe('quarterOf', () => {
  it.each([
    ['2026-10-01', '2026-Q4'],
    ['2026-12-31', '2026-Q4'],
    ['2027-01-01', '2027-Q1'],
    ['2027-03-31', '2027-Q1'],
    ['2027-04-01', '2027-Q2'],
  ])('%s is in %s', (day, quarter) => expect(quarterOf(day)).toBe(quarter));
});

describe('reviewLabels', () => {
  let environment: TestWorkflowEnvironment;
  let calls: Calls;
  let submissions: Map<string, Submission>;
  let votes: Vote[];

  let answers: Mocks;
  let stopWorkers: () => void;
  let workersStopped: Promise<void>;
  /** One pair of workers for all tests; what they answer is each test's. */
  beforeAll(async () => {
    environment = await startTemporal();
    const stopped = new Promise<void>((resolve) => {
      stopWorkers = resolve;
    });
    const answering = Object.keys(mocks()).map((name) => [name, (input: never) => answers[name]!(input)]);
    workersStopped = withWorkers(environment, Object.fromEntries(answering) as Mocks, () => stopped);
  });
  afterAll(async () => {
    stopWorkers?.();
    await workersStopped;
    await environment?.teardown();
  });
  beforeEach(() => {
    calls = [];
    submissions = new Map();
    votes = [];
    answers = mocks();
  });

  const declaration = classifier({
    size: 4,
    reviewersPerEvent: 2,
    minCoverage: 0.75,
    minAgreement: 0.6,
    lookBackDays: 28,
  });
  const settings = reviewSettingsOf(declaration);
  const progress = () => progressOf(votes, EVENTS.length, settings.reviewersPerEvent, submissions.size);
  const opened = (): OpenedReview => ({
    manifest: {
      formatVersion: 1,
      model: declaration.name,
      quarter: '2026-Q4',
      declarationHash: 'd',
      seed: 's',
      window: { from: '2026-08-01', to: '2026-10-01' },
      settings,
      classes: declaration.label.classes!,
      entity: { name: 'event_id', type: 'string', personal: false },
      batch: {
        key: 'batch.parquet',
        sha256: '0',
        events: EVENTS.length,
        reasons: { uncertain: 1, disagreeing: 1, recent: 2 },
      },
    },
    progress: progress(),
    sequence: 0,
    settledAt: null,
  });

  /** Counts as the activity does, in memory. */
  const recordLabels = ({ submission }: SubmissionRequest) => {
    const known = submissions.get(submission.submissionId);
    const kept: Submission = known ?? { formatVersion: 1, ...submission };
    submissions.set(kept.submissionId, kept);
    votes = addSubmission(votes, kept);
    return {
      submissionId: kept.submissionId,
      labels: kept.labels.length,
      duplicate: known !== undefined,
      progress: progress(),
    };
  };
  const outcome = {
    reviewed: 3,
    changed: 1,
    added: 2,
    coverage: 0.75,
    agreement: 1,
    settledAt: '2026-10-20T00:00:00.000Z',
  };
  const mocks = (replaced: Parameters<typeof mockActivities>[1] = {}) =>
    mockActivities(calls, {
      resolveDeclaration: () => resolvedOf(declaration),
      viewsToLoad: () => [],
      openReview: opened,
      recordLabels,
      settleReview: () => outcome,
      applyReview: () => ['2026-09-01'],
      notifyReviewOpened: () => undefined,
      remindOfReview: () => undefined,
      notifyReviewSettled: () => undefined,
      evaluateVersion: failedGate,
      ...replaced,
    });

  const start = (client: Client, quarter: string): Promise<WorkflowHandle> =>
    client.workflow.start('reviewLabels', {
      workflowId: `review-labels/${uniqueLabel()}`,
      taskQueue: TaskQueue.pipelines,
      args: [{ model: declaration.name, quarter }],
    });

  /** Opens a review of a quarter of its own and runs the test. */
  async function review(
    test: (handle: WorkflowHandle, quarter: string) => Promise<void>,
    replaced: Parameters<typeof mockActivities>[1] = {},
  ): Promise<void> {
    answers = mocks(replaced);
    const { client } = environment;
    const quarter = `${2100 + submittedReviews++}-Q4`;
    await test(await start(client, quarter), quarter);
    // Left open, it would go on in the next test.
    await client.workflow
      .getHandle(WorkflowId.retrain(declaration.name, quarter))
      .terminate()
      .catch(unlessNotFound);
  }
  let submittedReviews = 0;
  const unlessNotFound = (error: unknown): void => {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  };

  const submit = (handle: WorkflowHandle, by: string, labels: Record<string, string>, more: object = {}) =>
    handle.executeUpdate<{ duplicate: boolean }, [object]>('submitLabels', {
      args: [
        {
          by,
          labels: Object.entries(labels).map(([event_id, label]) => ({ event_id, label })),
          ...more,
        },
      ],
    });
  const complete = (handle: WorkflowHandle, by = 'ana') =>
    handle.executeUpdate<{ retrain: string }, [object]>('completeReview', { args: [{ by }] });
  const status = (handle: WorkflowHandle) => handle.query<ReviewStatus>('reviewStatus');
  const details = async (handle: WorkflowHandle) =>
    (await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;
  const refused = (call: Promise<unknown>): Promise<ApplicationFailure> =>
    call.then(
      () => {
        throw new Error('Expected a refusal.');
      },
      (error: WorkflowUpdateFailedError) => error.cause as ApplicationFailure,
    );
  const opening = (handle: WorkflowHandle) =>
    until('the review to be open', async () => (await status(handle)).state === 'open');

  const three = { E1: 'a', E2: 'b', E3: 'a' };

  it('is opened, labelled by two, completed, written and handed to a training', async () => {
    await review(async (handle, quarter) => {
      await submit(handle, 'ana', three);
      await submit(handle, 'ben', three);
      expect(await complete(handle)).toMatchObject({ retrain: `retrain/${declaration.name}/${quarter}` });
      const result = (await handle.result()) as ReviewResult;
      expect(result).toEqual({
        ...outcome,
        completedBy: 'ana',
        retrain: `retrain/${declaration.name}/${quarter}`,
      });
      const retraining = environment.client.workflow.getHandle(result.retrain);
      await retraining.result();
      const { searchAttributes } = await retraining.describe();
      expect(searchAttributes['MeridianTrigger']).toEqual(['label-review']);
    });
    expect(names(calls)).toContain('notifyReviewOpened');
    const work = /^(openReview|recordLabels|settleReview|applyReview|notifyReviewSettled)$/;
    expect(names(calls).filter((name) => work.test(name))).toEqual([
      'openReview',
      'recordLabels',
      'recordLabels',
      'settleReview',
      'applyReview',
      'notifyReviewSettled',
    ]);
  });

  it('is not completed below the declared level, and says by how much', async () => {
    await review(async (handle) => {
      await submit(handle, 'ana', three);
      const early = await refused(complete(handle));
      expect(early).toMatchObject({ type: 'InvalidInput' });
      expect(early.message).toContain(
        'coverage: expected at least 75.0 %, found 0.0 %, 75.0 points short: 3 more of 4',
      );

      await submit(handle, 'ben', { E1: 'a', E2: 'a', E3: 'b' });
      expect(await status(handle)).toMatchObject({
        state: 'open',
        progress: { covered: 1, tied: 2, coverage: 0.25 },
        shortfalls: [{ field: 'coverage' }, { field: 'agreement', expected: 0.6 }],
      });
      const tied = await refused(complete(handle));
      expect(tied.message).toContain('2 more of 4 events are to be covered; 2 are tied');
      expect(tied.details![0]).toMatchObject([{ field: 'coverage' }, { field: 'agreement' }]);
      expect(await details(handle)).toMatch(/agreement 33\.3 %.*of at least 60\.0 %/);

      // Ben changes his mind: his earlier labels are replaced, not added to.
      await submit(handle, 'ben', { E2: 'b', E3: 'a' });
      expect(await status(handle)).toMatchObject({
        shortfalls: [],
        progress: {
          coverage: 0.75,
          agreement: 1,
          reviewers: [
            { by: 'ana', labels: 3 },
            { by: 'ben', labels: 3 },
          ],
        },
        next: [expect.stringContaining('labels complete'), expect.any(String)],
      });
      await complete(handle, 'ben');
      expect((await handle.result()) as ReviewResult).toMatchObject({ completedBy: 'ben' });
    });
  });

  it('counts the same submission once, and takes an ID of the update where none is given', async () => {
    await review(async (handle) => {
      expect(await submit(handle, 'ana', three, { submissionId: 'one' })).toMatchObject({ duplicate: false });
      expect(await submit(handle, 'ana', three, { submissionId: 'one' })).toMatchObject({ duplicate: true });
      await handle.executeUpdate('submitLabels', {
        updateId: 'by-update',
        args: [{ by: 'ben', labels: [{ event_id: 'E1', label: 'a' }] }],
      });
      expect([...submissions.keys()]).toEqual(['one', 'by-update']);
      expect((await status(handle)).progress!.reviewers).toMatchObject([
        { by: 'ana', labels: 3 },
        { by: 'ben', labels: 1 },
      ]);
      await submit(handle, 'ben', three);
      await complete(handle);
      await handle.result();
    });
  });

  it('refuses what does not fit, field by field, and nothing of it gets into the history', async () => {
    await review(async (handle) => {
      await opening(handle);
      const send = (input: object) =>
        refused(handle.executeUpdate<unknown, [object]>('submitLabels', { args: [input] }));
      const one = { event_id: 'E1', label: 'a' };
      expect((await send({ by: 'ana', labels: [] })).message).toContain('labels: expected');
      expect((await send({ by: ' ana, ben', labels: [one] })).message).toContain(
        "by: expected the reviewer's name",
      );
      expect((await send({ labels: [{ event_id: 'E1' }] })).details![0]).toMatchObject([
        { field: 'by' },
        { field: 'labels.0.label' },
      ]);
      const twice = await send({ by: 'ana', labels: [one, { event_id: 'E2', label: 'a' }, one] });
      expect(twice.details![0]).toEqual([
        { field: 'labels.2.event_id', found: 'the event of labels.0 again', expected: 'each event once' },
      ]);
      const large = Array.from({ length: 1000 }, (_, index) => ({
        event_id: `${'é'.repeat(150)}${index}`,
        label: 'a',
      }));
      expect((await send({ by: 'ana', labels: large })).message).toMatch(
        /labels: expected at most 262144 bytes, found 3\d{5} bytes/,
      );
      const { events } = await handle.fetchHistory();
      expect(events!.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toEqual([]);
      expect(names(calls)).not.toContain('recordLabels');
      await handle.terminate();
    });
  });

  it('hands on what the counting refuses as its own typed failure, and goes on', async () => {
    const fields = [{ field: 'labels.0.event_id', found: '"E9"', expected: 'an event of the batch' }];
    let asked = 0;
    const replaced = {
      recordLabels: (request: SubmissionRequest) => {
        if ((asked += 1) > 1) return recordLabels(request);
        throw ApplicationFailure.create({
          type: 'InvalidInput',
          nonRetryable: true,
          message: 'submitLabels: no',
          details: [fields],
        });
      },
    };
    await review(async (handle) => {
      const failure = await refused(submit(handle, 'ana', { E9: 'a' }));
      expect(failure).toMatchObject({ type: 'InvalidInput', message: 'submitLabels: no', details: [fields] });
      await submit(handle, 'ana', three);
      await submit(handle, 'ben', three);
      await complete(handle);
      await handle.result();
    }, replaced);
  });

  it('waits for weeks, and reminds each week how far it has come', async () => {
    // Its own: time stands still for everybody while anything of another test is under way on the same server.
    const server = await startTimeSkippingTemporal();
    try {
      const begun = await server.currentTimeMs();
      const handle = await withWorkers(server, answers, async () => {
        const opened = await start(server.client, '2026-Q4');
        await submit(opened, 'ana', three);
        // Time passes while nobody asks.
        await server.sleep('22 days');
        await submit(opened, 'ben', three);
        await server.sleep('8 days');
        await complete(opened);
        await opened.result();
        return opened;
      });
      await replayTimeSkipped(server.client, handle.workflowId);
      expect((await server.currentTimeMs()) - begun).toBeGreaterThanOrEqual(30 * DAY_MS);
    } finally {
      await server.teardown();
    }
    const reminders = calls.filter(([name]) => name === 'remindOfReview').map(([, argument]) => argument);
    expect(reminders).toEqual([
      ...Array.from({ length: 3 }, () =>
        expect.objectContaining({
          progress: expect.objectContaining({
            coverage: 0,
            reviewers: [expect.objectContaining({ by: 'ana' })],
          }),
          shortfalls: [expect.objectContaining({ field: 'coverage' })],
        }),
      ),
      expect.objectContaining({ progress: expect.objectContaining({ coverage: 0.75 }), shortfalls: [] }),
    ]);
  });

  it('holds updates that come before the batch is written until it is', async () => {
    let release: () => void = () => undefined;
    const written = new Promise<void>((resolve) => {
      release = resolve;
    });
    await review(
      async (handle) => {
        const early = submit(handle, 'ana', three);
        await until('the sample to be drawn', () => names(calls).includes('openReview'));
        expect(await status(handle)).toMatchObject({ state: 'opening', progress: null });
        expect((await refused(complete(handle))).type).toBe('Conflict');
        release();
        await early;
        await submit(handle, 'ben', three);
        await complete(handle);
        // Nobody submits any more; who completes it again learns who has.
        expect((await refused(submit(handle, 'cy', three))).message).toContain('completed by ana');
        await handle.result();
      },
      { openReview: () => written.then(opened), settleReview: () => pause(500).then(() => outcome) },
    );
    expect(submissions.size).toBe(2);
  });
  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  it.each([
    [
      'a model whose labels nobody can review',
      { resolveDeclaration: () => resolvedOf(churn) },
      { type: 'InvalidInput', message: expect.stringContaining('expected text-classifier') },
    ],
    [
      'a quarter that was reviewed',
      { openReview: () => ({ ...opened(), settledAt: '2026-10-20T00:00:00.000Z' }) },
      { type: 'Conflict', message: expect.stringContaining('was completed at 2026-10-20') },
    ],
  ])('ends at once for %s', async (_what, replaced, failure) => {
    await review(async (handle) => {
      await expect(handle.result()).rejects.toMatchObject({ cause: failure });
    }, replaced);
    expect(names(calls)).not.toContain('notifyReviewOpened');
  });

  it('is opened by launch, under the quarter of the Pacific date', async () => {
    const quarter = quarterOf(pacificDate(new Date(await environment.currentTimeMs())));
    const launched = (await environment.client.workflow.execute('launch', {
      workflowId: `schedule-${uniqueLabel()}`,
      taskQueue: TaskQueue.pipelines,
      args: [{ schedule: 'review-labels', workflow: 'reviewLabels', model: declaration.name }],
    })) as LaunchResult;
    expect(launched).toMatchObject({
      workflowId: `review-labels/${declaration.name}/${quarter}`,
      started: true,
    });
    const handle = environment.client.workflow.getHandle(launched.workflowId);
    await opening(handle);
    expect((await handle.describe()).searchAttributes['MeridianTrigger']).toEqual(['schedule']);
    await handle.terminate();
  });

  it('passes over days without events, and parks where a day cannot be read', async () => {
    const computed = (day: string) => ({ day, key: day, rows: 5, computed: false, checks: 1 });
    const missing = new Set<string>();
    const replaced = {
      computeFeatures: ({ days }: { days: string[] }) => {
        const [first] = days;
        if (days.length > 1 && missing.size < 2) missing.add(first!);
        if (missing.has(first!))
          throw ApplicationFailure.nonRetryable(`dt=${first}: found none`, 'MissingObject');
        return { partitions: days.map(computed), absent: [], notes: [] };
      },
    };
    await review(async (handle) => {
      await opening(handle);
      expect(await details(handle)).toContain(`**events**: ${settings.lookBackDays - 2} days have events`);
      await handle.terminate();
    }, replaced);

    const corrupt = {
      computeFeatures: () => {
        throw ApplicationFailure.nonRetryable('bad bytes', 'CorruptObject');
      },
    };
    await review(async (handle) => {
      await until('the run to park', () => names(calls).includes('notifyParked'));
      await handle.executeUpdate('resolveFailure', { args: [{ action: 'skip', note: 'without that week' }] });
      await opening(handle);
      await handle.terminate();
    }, corrupt);
  });

  it('replays, every run of these tests', async () => {
    expect(await replayAll(environment.client)).toBeGreaterThan(10);
  });
});
