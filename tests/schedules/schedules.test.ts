import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { daysBetween } from '../../contracts/days';
import { applySchedules, nextTimes, planSchedules } from '../../schedules';
import { schedules } from '../../schedules/definitions';
import { startTemporal } from '../support/workflow-environment';
import { pacificDate } from '../../workflows/shared/pacific-date';

const ids = schedules.map(({ id }) => id);
const hourInLosAngeles = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/Los_Angeles',
  hour: 'numeric',
  minute: '2-digit',
  hourCycle: 'h23',
});

jest.setTimeout(60_000);

describe('schedules on a server', () => {
  let environment: TestWorkflowEnvironment;

  beforeAll(async () => {
    environment = await startTemporal();
  });
  afterAll(() => environment.teardown());

  const changes = async () => (await planSchedules(environment.client)).map(({ id, change }) => [id, change]);

  it('creates what is missing, and then there is nothing to do', async () => {
    expect(await changes()).toEqual(ids.map((id) => [id, 'create']));
    await applySchedules(environment.client);
    expect(await changes()).toEqual(ids.map((id) => [id, 'none']));
    expect((await applySchedules(environment.client)).every(({ change }) => change === 'none')).toBe(true);
  });

  it('sees what was changed by hand, says how, and puts it right; a pause is left alone', async () => {
    const handle = environment.client.schedule.getHandle('retrain-churn');
    await handle.pause('while the warehouse moves');
    await handle.update((previous) => ({
      ...previous,
      spec: { calendars: [{ hour: 7, dayOfMonth: 1 }], timezone: 'UTC' },
    }));
    const [found] = (await planSchedules(environment.client)).filter(({ id }) => id === 'retrain-churn');
    expect(found).toMatchObject({ change: 'update' });
    expect(found!.differences.join('\n')).toContain('"UTC" → "America/Los_Angeles"');
    await applySchedules(environment.client);
    expect(await changes()).toContainEqual(['retrain-churn', 'none']);
    expect((await handle.describe()).state).toMatchObject({
      paused: true,
      note: 'while the warehouse moves',
    });
  });

  it('prunes a schedule of ours that the list no longer has, and no other', async () => {
    const make = (scheduleId: string, memo: Record<string, string>) =>
      environment.client.schedule.create({
        scheduleId,
        spec: { intervals: [{ every: '1 day' }] },
        action: {
          type: 'startWorkflow',
          workflowType: 'launch',
          taskQueue: 'nobody',
          workflowId: scheduleId,
        },
        memo,
      });
    await make('retired', { managedBy: 'meridian' });
    await make('somebody-elses', {});
    for (;;) {
      // Lists of schedules come from the visibility store, which follows a moment later.
      if ((await changes()).some(([id]) => id === 'retired')) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await applySchedules(environment.client);
    await expect(environment.client.schedule.getHandle('retired').describe()).rejects.toThrow('not found');
    expect((await environment.client.schedule.getHandle('somebody-elses').describe()).scheduleId).toBe(
      'somebody-elses',
    );
  });

  it.each([
    ['retrain-churn', '05:00', 24],
    ['materialize-features', '04:00', 731],
    ['score-batch-anomaly-detector', '06:00', 731],
  ])('%s runs at %s Pacific, winter and summer, over two years', async (id, time, count) => {
    const times = await nextTimes(
      environment.client,
      id,
      new Date('2026-01-01T00:00:00-08:00'),
      new Date('2028-01-01T23:59:59-08:00'),
    );
    expect(new Set(times.map((at) => hourInLosAngeles.format(new Date(at))))).toEqual(new Set([time]));
    expect(times.length).toBeGreaterThanOrEqual(count);
    expect(new Set(times.map((at) => at.slice(11, 13))).size).toBe(2);
  });

  it('retrain-anomaly-detector runs once every Sunday over two years, at 02:00, and at 03:00 where there is no 02:00', async () => {
    const [from, to] = ['2026-01-01T00:00:00-08:00', '2028-01-01T00:00:00-08:00'];
    const times = await nextTimes(
      environment.client,
      'retrain-anomaly-detector',
      new Date(from),
      new Date(to),
    );
    const sundays = daysBetween('2026-01-01', '2027-12-31').filter(
      (day) => new Date(`${day}T00:00:00Z`).getUTCDay() === 0,
    );
    expect(times.map((at) => pacificDate(new Date(at)))).toEqual(sundays);
    const atThree = times.filter((at) => hourInLosAngeles.format(new Date(at)) !== '02:00');
    expect(atThree.map((at) => [pacificDate(new Date(at)), hourInLosAngeles.format(new Date(at))])).toEqual([
      ['2026-03-08', '03:00'],
      ['2027-03-14', '03:00'],
    ]);
  });

  it('opens the label review on the first day of each quarter, 09:00 Pacific', async () => {
    const times = await nextTimes(
      environment.client,
      'review-labels-event-classifier',
      new Date('2026-01-02T00:00:00-08:00'),
      new Date('2028-01-02T00:00:00-08:00'),
    );
    expect(times).toEqual([
      '2026-04-01T16:00:00.000Z',
      '2026-07-01T16:00:00.000Z',
      '2026-10-01T16:00:00.000Z',
      '2027-01-01T17:00:00.000Z',
      '2027-04-01T16:00:00.000Z',
      '2027-07-01T16:00:00.000Z',
      '2027-10-01T16:00:00.000Z',
      '2028-01-01T17:00:00.000Z',
    ]);
  });
});
