import { FEAST_PROJECT } from '../../../contracts/ids';
import { createOnlineStore } from '../../../platform/online-store';
import { createRedis } from '../../../platform/redis';
import { FEATURE_NAMES, JOIN_KEY, materializedView as view } from '../data';
import { runTask, timed } from './task';

/** Groups of entities to read, each in one call. */
export interface ReadRequest {
  redisUrl: string;
  groups: string[][];
  /** The first groups are read to warm the process; they are not timed. */
  warmUpGroups: number;
}

/** Reads all features of each group through the platform's online store. */
runTask(async ({ redisUrl, groups, warmUpGroups }: ReadRequest) => {
  const online = createOnlineStore(createRedis({ redisUrl }), FEAST_PROJECT);
  const views = [view];
  const features = FEATURE_NAMES.map((feature) => ({ view: view.name, feature }));
  const seconds: number[] = [];
  for (const group of groups) {
    const entities = group.map((entity) => ({ [JOIN_KEY]: entity }));
    const [entity, ...others] = entities;
    seconds.push(
      await timed(() =>
        others.length === 0
          ? online.getOnlineFeatures({ views, features, entity: entity! })
          : online.getOnlineFeaturesOfMany({ views, features, entities }),
      ),
    );
  }
  return seconds.slice(warmUpGroups);
});
