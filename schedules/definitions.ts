import type { CalendarSpec } from '@temporalio/client';
import type { Duration } from '@temporalio/common';
import type { LaunchInput } from '../contracts/generated/types';

export interface ScheduleDefinition {
  id: string;
  summary: string;
  calendars: CalendarSpec[];
  /** A named zone, so that the hour stays the same across clock changes. */
  timezone: 'America/Los_Angeles';
  /** Runs missed for longer than this (an outage) are not made up for. */
  catchupWindow: Duration;
  launch: Omit<LaunchInput, 'schedule'>;
}

/**
 * Sundays at 02:00. On the second Sunday of March 02:00 does not exist in Los Angeles, and a calendar that names it loses
 * that run: on those days it is 03:00.
 */
const sundaysAtTwo: CalendarSpec[] = [
  {
    dayOfWeek: 'SUNDAY',
    month: ['JANUARY', 'FEBRUARY', { start: 'APRIL', end: 'DECEMBER' }],
    hour: 2,
    comment: 'when nobody waits for the machines',
  },
  {
    dayOfWeek: 'SUNDAY',
    month: 'MARCH',
    dayOfMonth: [
      { start: 1, end: 7 },
      { start: 15, end: 31 },
    ],
    hour: 2,
    comment: 'the Sundays of March that have a 02:00',
  },
  {
    dayOfWeek: 'SUNDAY',
    month: 'MARCH',
    dayOfMonth: { start: 8, end: 14 },
    hour: 3,
    comment: 'the Sunday on which clocks go forward',
  },
];

/** Every schedule of the platform. Each starts the workflow `launch`, which starts the real one under its exact ID. */
export const schedules: ScheduleDefinition[] = [
  {
    id: 'retrain-churn',
    summary: 'Retrain churn on the 1st of the month, 05:00 Pacific',
    calendars: [{ dayOfMonth: 1, hour: 5, comment: 'after the features of the night are in' }],
    timezone: 'America/Los_Angeles',
    catchupWindow: '3 days',
    launch: { workflow: 'retrainModel', model: 'churn' },
  },
  {
    id: 'compare-stores',
    summary: 'Compare a sample of online and offline features, 03:30 Pacific',
    calendars: [{ hour: 3, minute: 30, comment: 'before the next load would mend what it should find' }],
    timezone: 'America/Los_Angeles',
    catchupWindow: '6 hours',
    launch: { workflow: 'compareStores' },
  },
  {
    id: 'materialize-features',
    summary: 'Load the features of the day before into the online store, 04:00 Pacific',
    calendars: [{ hour: 4, comment: 'when the raw partitions of the day before are in' }],
    timezone: 'America/Los_Angeles',
    catchupWindow: '12 hours',
    launch: { workflow: 'materializeFeatures' },
  },
  {
    id: 'retrain-anomaly-detector',
    summary: 'Retrain anomaly-detector on Sundays, 02:00 Pacific (03:00 where clocks go forward)',
    calendars: sundaysAtTwo,
    timezone: 'America/Los_Angeles',
    catchupWindow: '2 days',
    launch: { workflow: 'retrainModel', model: 'anomaly-detector' },
  },
  {
    id: 'score-batch-anomaly-detector',
    summary: 'Score the metrics of the day before with anomaly-detector, 06:00 Pacific',
    calendars: [{ hour: 6, comment: 'when the raw partition of the day before is in' }],
    timezone: 'America/Los_Angeles',
    catchupWindow: '3 days',
    launch: { workflow: 'scoreBatch', model: 'anomaly-detector' },
  },
  {
    id: 'review-labels-event-classifier',
    summary: 'Open the label review of event-classifier on the first day of each quarter, 09:00 Pacific',
    calendars: [{ month: ['JANUARY', 'APRIL', 'JULY', 'OCTOBER'], dayOfMonth: 1, hour: 9 }],
    timezone: 'America/Los_Angeles',
    catchupWindow: '7 days',
    launch: { workflow: 'reviewLabels', model: 'event-classifier' },
  },
];
