import type { Split } from '../../../contracts/dataset';
import type { SeriesDeclaration } from '../../../contracts/model';
import type { Database } from '../../../platform/duckdb';

/** How one series' points follow each other. */
export interface SeriesGaps {
  series: string;
  points: number;
  least: number;
  most: number;
  /** The most common distance between two points that follow each other; null of a single point. */
  commonSeconds: number | null;
  /** Places where the next point does not come `everySeconds` after the one before. */
  gaps: number;
  /** Points that would have to lie in the gaps. */
  missing: number;
  /** The points around the longest gap, ISO 8601 in UTC, and for how long nothing came that should have; null without one. */
  longest: { from: string; to: string; missingSeconds: number } | null;
}

/** Measures every series of the table `points`, in the order of their names. */
export async function gapsOf(database: Database, everySeconds: number): Promise<SeriesGaps[]> {
  const rows = await database.rows<{
    series: string;
    points: number;
    least: number;
    most: number;
    common: number | null;
    gaps: number;
    missing: number;
    from: Date | null;
    to: Date | null;
  }>(
    `WITH steps AS (
       SELECT series, "time", value, lag("time") OVER follows AS before,
         epoch("time") - epoch(lag("time") OVER follows) AS seconds
       FROM points WINDOW follows AS (PARTITION BY series ORDER BY "time")
     )
     SELECT series, count(*) AS points, min(value) AS least, max(value) AS most,
       mode(seconds) AS common,
       count(*) FILTER (seconds <> $every) AS gaps,
       coalesce(sum(greatest(round(seconds / $every) - 1, 0)) FILTER (seconds <> $every), 0)::BIGINT AS missing,
       arg_max(before, seconds) FILTER (seconds > $every) AS "from",
       arg_max("time", seconds) FILTER (seconds > $every) AS "to"
     FROM steps GROUP BY series ORDER BY series`,
    { every: everySeconds },
  );
  return rows.map(({ common, from, to, ...row }) => ({
    ...row,
    commonSeconds: common,
    longest:
      from === null || to === null
        ? null
        : {
            from: from.toISOString(),
            to: to.toISOString(),
            missingSeconds: (to.getTime() - from.getTime()) / 1000 - everySeconds,
          },
  }));
}

export interface SeriesWindows {
  series: string;
  /** Windows of each split that reach neither over a gap nor into another split. */
  windows: Record<Split, number>;
  /** Whether every point that trains has the same value. */
  constant: boolean;
}

/**
 * Counts the windows of every series in the tables `points` and `split_of`, in the order of their names: a stretch of n points
 * without a gap has n + 1 - windowSteps.
 */
export async function countWindows(
  database: Database,
  { everySeconds, windowSteps }: SeriesDeclaration['series'],
): Promise<SeriesWindows[]> {
  const windows = (split: Split): string =>
    `coalesce(sum(greatest(points + 1 - $steps, 0)) FILTER (_split = '${split}'), 0)::BIGINT AS ${split}`;
  const rows = await database.rows<Record<Split, number> & { series: string; constant: boolean }>(
    `WITH steps AS (
       SELECT series, _split, "time", value,
         (epoch("time") - epoch(lag("time") OVER follows) IS DISTINCT FROM $every)::INTEGER AS begins
       FROM points JOIN split_of USING (series, dt)
       WINDOW follows AS (PARTITION BY series, _split ORDER BY "time")
     ), stretches AS (
       SELECT series, _split, stretch, count(*) AS points, min(value) AS least, max(value) AS most
       FROM (SELECT *, sum(begins) OVER (PARTITION BY series, _split ORDER BY "time") AS stretch FROM steps)
       GROUP BY ALL
     )
     SELECT series, ${windows('train')}, ${windows('validation')}, ${windows('test')},
       coalesce(min(least) FILTER (_split = 'train') = max(most) FILTER (_split = 'train'), false) AS constant
     FROM stretches GROUP BY series ORDER BY series`,
    { every: everySeconds, steps: windowSteps },
  );
  return rows.map(({ series, constant, ...counts }) => ({ series, constant, windows: counts }));
}
