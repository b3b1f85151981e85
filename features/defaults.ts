import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FeatureView } from '../contracts/model';
import { projectRoot } from '../platform/project-root';
import { LOAD_INTERVAL_SECONDS } from './rules';

/** A value loaded daily outlives two failed loads. */
export const DAILY_TTL_SECONDS = 3 * LOAD_INTERVAL_SECONDS;

/** All customers, every day: their number neither halves nor grows by half between two loads. */
export const CUSTOMER_CHECKS: FeatureView['checks'] = { minRows: 1, maxRowChange: 0.5 };

/** A population stability index above which a distribution is commonly called another one. */
export const SHIFTED_PSI = 0.25;

/** The SQL beside a view: reads its source tables by name (column `dt` is the partition's day) for one `$day`. */
export const transformationOf = (view: string): string =>
  readFileSync(join(projectRoot(), 'features', view, 'transform.sql'), 'utf8');
