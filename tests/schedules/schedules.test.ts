import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { applySchedules, nextTimes, planSchedules } from '../../schedules';
import { schedules } from '../../schedules/definitions';
import { startTemporal } from '../support/workflow-environment';

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
});
