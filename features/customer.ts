import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FeatureView } from '../contracts/model';
import { projectRoot } from '../platform/project-root';

/** Who uses Meridian: the entity of most views. */
export const customer: FeatureView['entity'] = {
  name: 'customer',
  joinKeys: [{ name: 'customer_id', type: 'string' }],
};

/** Features are loaded once a day; a value outlives two failed loads. */
export const DAILY_TTL_SECONDS = 3 * 24 * 3600;

/** The SQL beside a view: reads its source tables by name (column `dt` is the partition's day) for one `$day`. */
export const transformationOf = (view: string): string =>
  readFileSync(join(projectRoot(), 'features', view, 'transform.sql'), 'utf8');
