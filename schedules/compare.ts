import type { CalendarSpec, ScheduleDescription, ScheduleOptions } from '@temporalio/client';
import { canonicalJson } from '../contracts/canonical-json';

/** What of a schedule is ours to decide; what a person may do to it (pause, note) is left alone. */
interface Essence {
  calendars: unknown[];
  timezone: unknown;
  overlap: unknown;
  catchupWindow: unknown;
  workflow: unknown;
  workflowId: unknown;
  taskQueue: unknown;
  args: unknown;
}

const FIELDS = ['second', 'minute', 'hour', 'dayOfMonth', 'month', 'year', 'dayOfWeek'] as const;
/** What the server fills in where a calendar leaves a field out. */
const DEFAULTS: Record<string, unknown> = {
  second: [range(0)],
  minute: [range(0)],
  hour: [range(0)],
  dayOfMonth: [{ start: 1, end: 31, step: 1 }],
  month: [{ start: 'JANUARY', end: 'DECEMBER', step: 1 }],
  year: [],
  dayOfWeek: [{ start: 'SUNDAY', end: 'SATURDAY', step: 1 }],
};

/** What differs between a schedule as declared and as the server has it, in words; nothing where they agree. */
export function differences(declared: ScheduleOptions, found: ScheduleDescription): string[] {
  const wanted = essenceOfOptions(declared);
  const present = essenceOfDescription(found);
  return (Object.keys(wanted) as (keyof Essence)[])
    .filter((field) => canonicalJson(wanted[field]) !== canonicalJson(present[field]))
    .map((field) => `${field}: ${canonicalJson(present[field])} → ${canonicalJson(wanted[field])}`);
}

function essenceOfOptions({ spec, policies, action }: ScheduleOptions): Essence {
  return {
    calendars: (spec.calendars ?? []).map(normalize),
    timezone: spec.timezone,
    overlap: policies?.overlap,
    catchupWindow: policies?.catchupWindow,
    workflow: action.workflowType,
    workflowId: action.workflowId,
    taskQueue: action.taskQueue,
    args: action.args,
  };
}

function essenceOfDescription({ spec, policies, action }: ScheduleDescription): Essence {
  return {
    calendars: (spec.calendars ?? []).map((calendar) => normalize(calendar as CalendarSpec)),
    timezone: spec.timezone,
    overlap: policies.overlap,
    catchupWindow: policies.catchupWindow,
    workflow: action.workflowType,
    workflowId: action.workflowId,
    taskQueue: action.taskQueue,
    args: action.args,
  };
}

function normalize(calendar: CalendarSpec): unknown {
  const fields = FIELDS.map((field) => [field, ranges(calendar[field]) ?? DEFAULTS[field]]);
  return { ...Object.fromEntries(fields), comment: calendar.comment ?? '' };
}

function ranges(value: unknown): unknown[] | undefined {
  if (value === undefined || value === '*') return undefined;
  return [value]
    .flat()
    .map((item) => (typeof item === 'object' && item !== null ? { step: 1, ...withEnd(item) } : range(item)));
}

function withEnd(item: object): object {
  return 'end' in item || !('start' in item) ? item : { ...item, end: item.start };
}

function range(value: unknown): unknown {
  return { start: value, end: value, step: 1 };
}
