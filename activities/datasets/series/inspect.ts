import type { QualityFinding, QualityReport, Split } from '../../../contracts/dataset';
import type { SeriesDeclaration } from '../../../contracts/model';
import type { Database } from '../../../platform/duckdb';
import { inspectRows, number, type RowRule } from '../../quality/rules';
import { countWindows, gapsOf, type SeriesGaps } from './gaps';

/** Share of a series' points that may be missing between its first and its last, where none is declared. */
const DEFAULT_MAX_GAP_SHARE = 0.05;

const rule = (check: string, bad: string, complaint: string): RowRule => ({
  check,
  bad,
  complaint,
  allowedShare: 0,
});

/** What every point keeps to, whichever series it is of. */
const POINT_RULES: readonly RowRule[] = [
  rule('series is there', "series IS NULL OR series = ''", 'have no series'),
  rule('time is there', '"time" IS NULL', 'have no time'),
  rule(
    'value is a finite number',
    'value IS NULL OR NOT isfinite(value)',
    'have a value that is no finite number',
  ),
  {
    check: 'one point a series and time',
    bad: '_repeat > 1 AND series IS NOT NULL AND "time" IS NOT NULL',
    complaint:
      'repeat the series and time of another point (a clock set back, where the times were local ones)',
    allowedShare: 0,
    repeats: true,
  },
  rule(
    'time lies in the day of its partition (UTC)',
    'CAST("time" AS DATE) <> dt',
    'have a time outside the day of their partition (another zone than UTC, where all are off by some hours)',
  ),
];

/**
 * Holds the points of the table `points` against what a training needs of them, series by series.
 * @param where `raw/metrics dt=2026-11-01 to 2026-11-28`.
 */
export async function inspectPoints(
  database: Database,
  { series: declared, dataset, name }: SeriesDeclaration,
  where: string,
): Promise<QualityReport> {
  const inspected = await inspectRows(database, 'points', where, ['series', 'time'], POINT_RULES);
  const report = (findings: QualityFinding[], checks: number): QualityReport => ({
    passed: findings.length === 0,
    checks,
    findings,
  });
  // Gaps between points that are wrong themselves would only be told twice.
  if (inspected.findings.length > 0) return report(inspected.findings, POINT_RULES.length);
  const all = await gapsOf(database, declared.everySeconds);
  const points = all.reduce((sum, one) => sum + one.points, 0);
  const tooFew =
    points < dataset.minRows
      ? [
          finding(
            `datasets/${name}`,
            'enough points',
            `found ${number.format(points)} points`,
            `at least ${number.format(dataset.minRows)}`,
          ),
        ]
      : [];
  const findings = [...tooFew, ...all.flatMap((one) => inspectSeries(one, declared, where))];
  return report(findings, POINT_RULES.length + 1 + all.length * CHECKS_A_SERIES);
}

const CHECKS_A_SERIES = 3;

/**
 * Holds every series of the table `points`, once it is split, against what learning takes: values that vary in what trains,
 * and windows without a gap in every split.
 */
export async function inspectLearnable(
  database: Database,
  { series: declared }: SeriesDeclaration,
  where: string,
): Promise<QualityReport> {
  const counted = await countWindows(database, declared);
  const findings = counted.flatMap(({ series, windows, constant }) => {
    const of = `${where}, series ${JSON.stringify(series)}`;
    const least = leastWindows(declared.alertRate);
    const tooFew = (Object.keys(least) as Split[])
      .filter((split) => windows[split] < least[split])
      .map((split) =>
        finding(
          of,
          `enough windows in ${split}`,
          `${number.format(windows[split])} windows of ${declared.windowSteps} points without a gap in ${split}`,
          `at least ${number.format(least[split])}. Deliver more of the series, or leave it out`,
        ),
      );
    if (tooFew.length > 0 || !constant) return tooFew;
    const found = 'the same value in every point that trains';
    return [finding(of, 'value varies in train', found, 'at least 2 values')];
  });
  return { passed: findings.length === 0, checks: counted.length * 4, findings };
}

/** A quantile of the errors is the threshold: it takes as many windows as leave one above it. */
const leastWindows = (alertRate: number): Record<Split, number> => ({
  train: Math.ceil(1 / alertRate),
  validation: Math.ceil(1 / alertRate),
  test: 1,
});

function inspectSeries(
  found: SeriesGaps,
  { everySeconds, maxGapShare = DEFAULT_MAX_GAP_SHARE }: SeriesDeclaration['series'],
  where: string,
): QualityFinding[] {
  const of = `${where}, series ${JSON.stringify(found.series)}`;
  const findings: QualityFinding[] = [];
  if (found.least === found.most) {
    findings.push(
      finding(
        of,
        'value varies',
        `found ${found.least} in every one of ${number.format(found.points)} points`,
        'at least 2 values',
      ),
    );
  }
  if (found.commonSeconds !== null && found.commonSeconds !== everySeconds) {
    const found_ = `points are ${number.format(found.commonSeconds)} s apart`;
    findings.push(
      finding(of, 'the declared distance', found_, `${number.format(everySeconds)} s (series.everySeconds)`),
    );
  } else if (found.missing > maxGapShare * (found.points + found.missing)) {
    const share = (100 * found.missing) / (found.points + found.missing);
    const found_ = `${number.format(found.missing)} points are missing (${number.format(share)} %) in ${found.gaps} gaps, the longest from ${found.longest!.from} to ${found.longest!.to}${clockHint(found)}`;
    findings.push(
      finding(of, 'few gaps', found_, `at most ${number.format(100 * maxGapShare)} % (series.maxGapShare)`),
    );
  }
  return findings;
}

/** A clock set forward leaves a hole of an hour in times that were local ones. */
const clockHint = ({ longest }: SeriesGaps): string =>
  longest && longest.missingSeconds === 3600 ? ' (a clock set forward, where the times were local ones)' : '';

const finding = (where: string, check: string, found: string, expected: string): QualityFinding => ({
  where,
  check,
  found,
  expected,
  examples: [],
});
