import { endOfDay, type Day } from '../../contracts/days';
import type { FeatureView } from '../../contracts/model';
import { number, type Inspection } from './rules';

/** Holds the number of rows against the fewest declared, and against the last good partition's. */
export function inspectRowCount(
  checks: FeatureView['checks'],
  where: string,
  rows: number,
  lastGood: { day: Day; rows: number } | null,
): Inspection {
  const compared = lastGood
    ? `, ${inWords(rows, lastGood.rows)} dt=${lastGood.day}`
    : ', nothing to compare with';
  const counted = `row count: ${number.format(rows)}${compared}`;
  const inspection: Inspection = { checks: [counted], findings: [] };
  const find = (check: string, found: string, expected: string): void => {
    inspection.findings.push({ where, check, found, expected, examples: [] });
  };
  const { minRows, maxRowChange } = checks ?? {};
  if (minRows !== undefined && rows < minRows)
    find('enough rows', `found ${number.format(rows)} rows`, `at least ${number.format(minRows)}`);
  if (maxRowChange !== undefined && lastGood) {
    if (Math.abs(rows - lastGood.rows) > maxRowChange * lastGood.rows) {
      find(
        'row count change',
        `found ${number.format(rows)} rows${compared}`,
        `a change of at most ${number.format(100 * maxRowChange)} %`,
      );
    }
  }
  return inspection;
}

function inWords(rows: number, before: number): string {
  if (rows === before) return 'as many as';
  const change = (100 * Math.abs(rows - before)) / before;
  return `${number.format(change)} % ${rows > before ? 'more' : 'fewer'} than`;
}

/**
 * Holds the newest row's age at the end of a day against the oldest declared.
 * @param newest ISO 8601; null where there is no row with a time.
 */
export function inspectFreshness(
  checks: FeatureView['checks'],
  where: string,
  day: Day,
  newest: string | null,
): Inspection {
  const maxAgeHours = checks?.maxAgeHours;
  const check = 'freshness';
  const end = endOfDay(day);
  const told =
    newest === null
      ? `no row up to ${end}`
      : `the newest row is of ${newest}, ${number.format(hoursBetween(newest, end))} hours before ${end}`;
  const inspection: Inspection = { checks: [`${check}: ${told}`], findings: [] };
  if (maxAgeHours !== undefined && (newest === null || hoursBetween(newest, end) > maxAgeHours)) {
    inspection.findings.push({
      where,
      check,
      found: told,
      expected: `at most ${number.format(maxAgeHours)} hours before`,
      examples: [],
    });
  }
  return inspection;
}

const hoursBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 3_600_000;
