import type { Redis } from '../../platform/redis';
import type { BenchmarkData } from './data';
import type { Feast } from './feast';
import type { Sizes } from './sizes';

/** What every measurement works with. */
export interface Scene {
  sizes: Sizes;
  data: BenchmarkData;
  /** One Redis, for all sides. */
  redisUrl: string;
  redis: Redis;
  feast: Feast;
  /** For what is written on the way. */
  folder: string;
  say: (text: string) => void;
}
