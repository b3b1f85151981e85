import { isCancellation, workflowInfo } from '@temporalio/workflow';
import type { ScoredDay } from '../contracts/batch';
import type { Day } from '../contracts/days';
import { ErrorCode, MeridianError } from '../contracts/errors';
import { validateScoreBatchInput } from '../contracts/generated/validators';
import type { ScoreBatchInput } from '../contracts/generated/types';
import { isOfSeries } from '../contracts/model';
import { batch } from './shared/activities';
import { daysOf } from './shared/day-range';
import { asFailure, parseInput } from './shared/input';
import { lastCompleteDay } from './shared/pacific-date';
import { Run } from './shared/run';
import { tagVersion } from './shared/tag-version';

export interface ScoreBatchResult {
  model: string;
  version: string;
  date: Day;
  points: number;
  scored: number;
  anomalous: number;
  /** Days that were scored now, and days that this version had scored on the same points before. */
  days: { written: number; kept: number };
  /** Days that a person left unscored. */
  skipped: Day[];
  /** Series of which points came and that the version has not learnt. */
  unknownSeries: string[];
}

/** One fewer than a data worker runs at a time: a long back-fill leaves room for the night's load. */
const IN_FLIGHT = 3;
const MOST_NAMES = 50;

/**
 * Scores the points of each day with the version that serves and writes what is anomalous to
 * `anomalies/<model>/dt=<day>/`. A day is scored once; the days that fail wait for a person, after all others.
 */
export async function scoreBatch(raw: unknown): Promise<ScoreBatchResult> {
  const input = parseInput<ScoreBatchInput>(validateScoreBatchInput, 'scoreBatch', raw);
  const { model, trigger = 'person' } = input;
  const date = input.date ?? lastCompleteDay(workflowInfo().startTime);
  const days = daysOf('scoreBatch', input.from ?? date, date);
  const span = days.length === 1 ? date : `${days[0]} to ${date}`;
  const run = new Run(`Score ${model}, ${span}`, { model, trigger });

  const { served, declaration } = await run.step(
    'version',
    { doing: 'Finding the version that serves', done: (found) => found.served.version },
    () => batch.findBatchScorer({ model }),
  );
  tagVersion(served.version);
  if (!isOfSeries(declaration)) throw notOfSeries(model, declaration.kind);
  const { table } = declaration.series;

  const scored = new Map<Day, ScoredDay>();
  await run.step(
    'score',
    {
      doing: `Scoring raw/${table}, ${days.length} days`,
      done: () => sayScored([...scored.values()], days),
      skip: () => undefined,
    },
    () =>
      scoreAll(
        days.filter((day) => !scored.has(day)),
        async (day) => {
          const request = { model, served, table, day };
          scored.set(day, await batch.scoreDay.executeWithOptions({ summary: day }, [request]));
        },
      ),
  );
  return summarizeDays(model, served.version, date, days, scored);
}

/** Scores a few days at a time. One that fails does not stop the others. @throws The failure of the oldest that failed. */
async function scoreAll(days: readonly Day[], score: (day: Day) => Promise<void>): Promise<void> {
  const failures = new Map<Day, unknown>();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < days.length) {
      const day = days[next++]!;
      await score(day).catch((error: unknown) => failures.set(day, error));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const all = days.filter((day) => failures.has(day)).map((day) => failures.get(day));
  const worst = all.find((error) => isCancellation(error)) ?? all[0];
  if (worst !== undefined) throw worst;
}

function summarizeDays(
  model: string,
  version: string,
  date: Day,
  days: readonly Day[],
  scored: ReadonlyMap<Day, ScoredDay>,
): ScoreBatchResult {
  const all = [...scored.values()];
  const sum = (what: 'points' | 'scored' | 'anomalous'): number =>
    all.reduce((total, day) => total + day[what], 0);
  const written = all.filter((day) => day.written).length;
  return {
    model,
    version,
    date,
    points: sum('points'),
    scored: sum('scored'),
    anomalous: sum('anomalous'),
    days: { written, kept: all.length - written },
    skipped: days.filter((day) => !scored.has(day)),
    unknownSeries: unknownSeries(all),
  };
}

const unknownSeries = (days: readonly ScoredDay[]): string[] =>
  [...new Set(days.flatMap((day) => day.unknownSeries))].sort().slice(0, MOST_NAMES);

function sayScored(scored: readonly ScoredDay[], days: readonly Day[]): string {
  const sum = (what: 'scored' | 'anomalous'): number => scored.reduce((total, day) => total + day[what], 0);
  const written = scored.filter((day) => day.written).length;
  const unknown = unknownSeries(scored);
  const lines = [
    `${sum('anomalous')} of ${sum('scored')} points are anomalous; ${written} of ${days.length} days written, the others stood`,
    ...(unknown.length > 0 ? [`of unknown series: ${unknown.join(', ')}`] : []),
  ];
  return lines.join('\n  - ');
}

function notOfSeries(model: string, kind: string): unknown {
  const expected = 'a model of kind metric-anomaly';
  return asFailure(
    new MeridianError(
      ErrorCode.InvalidInput,
      `scoreBatch: model: expected ${expected}, found ${model}, which is a ${kind} and answers single requests. Nothing was done.`,
      [{ field: 'model', found: `"${model}"`, expected }],
    ),
  );
}
