import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where tools and venvs are kept, for every checkout of this user: nothing in it belongs to one checkout alone. */
export function cacheFolder(env = process.env) {
  if (env.MERIDIAN_CACHE_DIR) return env.MERIDIAN_CACHE_DIR;
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'meridian-ml');
}

/** A folder is whole only when this file, written last, is in it: what was killed half-way is made again. */
export const COMPLETE = '.complete';
