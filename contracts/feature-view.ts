import type { FeatureView } from './generated/types';

/** What names a view in the stores. */
export type StoredView = Pick<FeatureView, 'name' | 'version'>;

/**
 * The name under which both stores keep a view: its own for version 1, `<view>_v<n>` after that, so that a model that
 * was trained on an older version goes on reading it while a newer one is loaded beside it.
 */
export const storedName = ({ name, version }: StoredView): string =>
  version === 1 ? name : `${name}_v${version}`;

/** Whether a view is kept in the online store; one that is not is computed or delivered offline only. */
export const isKeptOnline = ({ online = true }: Pick<FeatureView, 'online'>): boolean => online;

/** Days before the one loaded that are looked at again for late or corrected rows. */
export const lookBackOf = ({ lookBackDays = 3 }: Pick<FeatureView, 'lookBackDays'>): number => lookBackDays;

export const SECONDS_PER_DAY = 86_400;

/** How many days before an instant a row may still be alive; null where the ttl is unlimited. */
export const ttlDays = ({ ttlSeconds }: Pick<FeatureView, 'ttlSeconds'>): number | null =>
  ttlSeconds === 0 ? null : Math.ceil(ttlSeconds / SECONDS_PER_DAY);

/** One version of a view as it is published now. */
export interface PublishedVersion {
  version: number;
  /** sha256 of the definition's canonical JSON: its name in `feature-views/<view>/<hash>.json`. */
  hash: string;
  publishedAt: string;
}

/** What lies at `feature-views/<view>/current.json`: the newest version, and every version there is, oldest first. */
export interface ViewPointer extends PublishedVersion {
  versions: PublishedVersion[];
}
