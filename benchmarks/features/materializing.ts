import type { FeatureView } from '../../contracts/model';
import { row, type Row } from '../row';
import { inTurns } from '../turns';
import { materializedView, warmUpView, type OfflineTable } from './data';
import { ENGINES, feastTask } from './feast';
import { peakMegabytes, typicalSeconds } from './figures';
import { growthRows } from './growth';
import { withPartitionsInS3 } from './partitions-in-s3';
import { runOurs } from './processes';
import type { Scene } from './scene';
import type { LoadRequest } from './tasks/load';
import type { TaskAnswer } from './tasks/task';

const MOST_MEMORY_MB = 500;
/** Two GiB, for ten million rows. */
const MOST_MEMORY_OF_LONGEST_MB = 2147;

/** Loads of the newest row of every entity into Redis; and how time and memory grow with the history. */
export async function measureMaterializing(scene: Scene): Promise<Row[]> {
  const { data, sizes, redisUrl, say } = scene;
  const what = `materialize ${sizes.entities} entities out of ${data.table.rows} rows × ${materializedView.features.length}`;
  say(what);
  const [load, feast] = [loadOurs(scene), loadFeast(scene)];
  const bare = (through: 'socket' | 'ioredis') => () =>
    runOurs('bare-hsets', { redisUrl, files: data.table.files, through });
  const answers = await inTurns(
    sizes.turns,
    {
      ours: () => load(data.table),
      'bare HSETs': bare('socket'),
      'bare HSETs through ioredis': bare('ioredis'),
      best: () => feast(ENGINES.best),
      default: () => feast(ENGINES.default),
      'ours, rows that stand': () => load(data.table, data.table),
      'ours, newer rows': () => load(data.newer, data.table),
    },
    say,
  );
  const fromS3 = await materializeFromS3(scene);
  const rate = (times: readonly TaskAnswer[]): number => sizes.entities / typicalSeconds(times);
  const ours = { measure: what, unit: 'entities/s', value: rate(answers.ours) };
  const memory = { measure: `${what}: peak memory`, unit: 'MB', value: peakMegabytes(answers.ours) };
  const alone = (measure: string, times: readonly TaskAnswer[]): Row =>
    row({ measure: `${what}${measure}`, unit: 'entities/s', value: rate(times) });

  const histories = await inTurns(
    sizes.growthTurns,
    Object.fromEntries(data.histories.map((table) => [`ours, ${table.rows} rows`, () => load(table)])),
    say,
  );
  return [
    row({
      ...ours,
      peer: { name: `${ENGINES.best.name}, newest rows only`, value: rate(answers.best) },
      ratioAtLeast: 10,
    }),
    row({ ...ours, peer: { name: ENGINES.default.name, value: rate(answers.default) } }),
    row({ ...ours, peer: { name: 'bare HSETs', value: rate(answers['bare HSETs']) }, ratioAtLeast: 0.5 }),
    row({
      ...ours,
      peer: { name: 'bare HSETs through ioredis', value: rate(answers['bare HSETs through ioredis']) },
    }),
    alone(', all of which stand already', answers['ours, rows that stand']),
    alone(', over older ones', answers['ours, newer rows']),
    alone(', pulled from S3', fromS3),
    row({
      ...memory,
      atMost: MOST_MEMORY_MB,
      peer: { name: ENGINES.best.name, value: peakMegabytes(answers.best) },
    }),
    row({ ...memory, peer: { name: ENGINES.default.name, value: peakMegabytes(answers.default) } }),
    ...growthRows('materialize', data.histories, Object.values(histories), [
      MOST_MEMORY_MB,
      undefined,
      MOST_MEMORY_OF_LONGEST_MB,
    ]),
  ];
}

/** Loads a table into a store that is empty, or that holds what `before` gave. */
const loadOurs =
  ({ redisUrl, data, folder }: Scene) =>
  (table: OfflineTable, before?: OfflineTable): Promise<TaskAnswer> => {
    const request: LoadRequest = {
      redisUrl,
      folder,
      files: table.files,
      before: before?.files ?? [],
      warmUpFiles: data.warmUp.files,
      asOf: data.to,
    };
    return runOurs('load', request);
  };

const loadFeast =
  ({ feast, data }: Scene) =>
  (engine: (typeof ENGINES)[keyof typeof ENGINES]): Promise<TaskAnswer> =>
    feastTask(feast, 'materialize', engine, {
      table: data.table,
      ttlSeconds: 0,
      from: `${data.from}T00:00:00+00:00`,
      to: `${data.to}T23:59:59+00:00`,
    });

async function materializeFromS3({ folder, data, redisUrl, sizes, say }: Scene): Promise<TaskAnswer[]> {
  const tables: [FeatureView, OfflineTable][] = [
    [materializedView, data.table],
    [warmUpView, data.warmUp],
  ];
  return withPartitionsInS3(folder, tables, async (s3) => {
    const ours = () => runOurs('materialize', { redisUrl, s3, asOf: data.to });
    return (await inTurns(sizes.turns, { 'ours, from S3': ours }, say))['ours, from S3'];
  });
}
