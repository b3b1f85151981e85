import type { Split, SplitRule } from '../../../contracts/dataset';
import type { Day } from '../../../contracts/days';
import type { SeriesDeclaration } from '../../../contracts/model';
import { literal, type Database } from '../../../platform/duckdb';
import { SPLITS } from '../manifest';

/** How many of a series' days validate and judge; the rest, which are older, train. */
interface Shares {
  holdOutShare: number;
  validationShare: number;
}

/**
 * Splits the days that one series has points on, oldest first: the newest judge, those before them validate, the rest
 * trains. Each share is rounded to whole days, and is at least one. Of fewer than three days none is left to train on.
 */
export function splitDays(
  days: readonly Day[],
  { holdOutShare, validationShare }: Shares,
): Record<Split, Day[]> {
  const count = (share: number): number => Math.max(1, Math.round(share * days.length));
  const heldOut = days.length - count(holdOutShare);
  const trained = Math.max(0, heldOut - count(validationShare));
  return {
    train: days.slice(0, trained),
    validation: days.slice(trained, Math.max(0, heldOut)),
    test: days.slice(Math.max(0, heldOut)),
  };
}

/**
 * Splits every series of the table `points` by its own days, so that one that began late, or has ended, is learnt and judged
 * all the same, and gives each point its `_split`.
 * @returns The rule, with every split's days over all series.
 */
export async function splitPoints(database: Database, { dataset }: SeriesDeclaration): Promise<SplitRule> {
  const { salt, holdOutShare, validationShare } = dataset;
  const rows = await database.rows<{ series: string; day: Day }>(
    `SELECT DISTINCT series, strftime(dt, '%Y-%m-%d') AS day FROM points ORDER BY series, day`,
  );
  const daysOf = new Map<string, Day[]>();
  for (const { series, day } of rows) daysOf.set(series, [...(daysOf.get(series) ?? []), day]);
  await database.execute('CREATE OR REPLACE TABLE split_of (series VARCHAR, dt DATE, _split VARCHAR)');
  const days: Record<Split, Set<Day>> = { train: new Set(), validation: new Set(), test: new Set() };
  for (const [series, own] of daysOf) {
    const split = splitDays(own, { holdOutShare, validationShare });
    for (const name of SPLITS) for (const day of split[name]) days[name].add(day);
    const values = SPLITS.flatMap((name) =>
      split[name].map((day) => `(${literal(series)}, DATE ${literal(day)}, ${literal(name)})`),
    );
    await database.execute(`INSERT INTO split_of VALUES ${values.join(', ')}`);
  }
  const sorted = (name: Split): Day[] => [...days[name]].sort();
  return {
    salt,
    holdOutShare,
    validationShare,
    entitiesApart: false,
    days: { train: sorted('train'), validation: sorted('validation'), test: sorted('test') },
  };
}
