import { row, type Row } from '../row';
import { inTurns } from '../turns';
import { ENGINES, feastTask } from './feast';
import { typicalSeconds } from './figures';
import { runOurs } from './processes';
import type { Scene } from './scene';

const WARM_UP_GROUPS = 200;

/** Online reads in process: one entity, and a hundred at once, each with all features. */
export async function measureReading(scene: Scene): Promise<Row[]> {
  return [
    ...(await readGroups(scene, { entities: 1, reads: scene.sizes.reads.one, atMost: 0.12 })),
    ...(await readGroups(scene, { entities: 100, reads: scene.sizes.reads.hundred, atMost: 1.5 })),
  ];
}

async function readGroups(
  { feast, sizes, redisUrl, data, say }: Scene,
  { entities, reads, atMost }: { entities: number; reads: number; atMost: number },
): Promise<Row[]> {
  const groups = Array.from({ length: reads + WARM_UP_GROUPS }, (_, group) =>
    Array.from({ length: entities }, (__, place) => entityAt(group * entities + place, sizes.entities)),
  );
  const request = { redisUrl, groups, warmUpGroups: WARM_UP_GROUPS };
  await runOurs('bare-hsets', { redisUrl, files: data.table.files, through: 'socket' });
  const what = `online read of ${entities === 1 ? 'one entity' : `${entities} entities`}, 30 features`;
  say(what);
  const answers = await inTurns(
    sizes.turns,
    {
      ours: () => runOurs('read', request),
      feast: () =>
        feastTask(feast, 'read', ENGINES.best, {
          table: data.table,
          ttlSeconds: 0,
          groups,
          warmUpGroups: WARM_UP_GROUPS,
        }),
      bare: () => runOurs('bare-hmgets', request),
    },
    say,
  );
  const milliseconds = (side: keyof typeof answers): number => typicalSeconds(answers[side]) * 1000;
  const measure = `${what}: P50`;
  const ours = { measure, unit: 'ms', value: milliseconds('ours'), atMost };
  return [
    row({ ...ours, peer: { name: 'Feast', value: milliseconds('feast') } }),
    row({ ...ours, peer: { name: 'bare HMGETs through ioredis', value: milliseconds('bare') } }),
  ];
}

/** Entities spread over all there are, the same in every run. */
const entityAt = (draw: number, entities: number): string =>
  `C${String((draw * 7919) % entities).padStart(7, '0')}`;
