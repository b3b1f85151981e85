import { row, type Row } from '../row';
import { inTurns } from '../turns';
import { materializedView, warmUpView, type OfflineTable } from './data';
import { ENGINES, feastTask } from './feast';
import { peakMegabytes, typicalSeconds } from './figures';
import { growthRows } from './growth';
import { withPartitionsInS3 } from './partitions-in-s3';
import { runOurs } from './processes';
import type { Scene } from './scene';
import { countUnlike, storedRows, type StoredRows } from './stored-rows';
import type { BareHsetsRequest } from './tasks/bare-hsets';
import type { LoadRequest } from './tasks/load';
import type { TaskAnswer } from './tasks/task';

const MOST_MEMORY_MB = 500;
/** Two GiB, for ten million rows. */
const MOST_MEMORY_OF_LONGEST_MB = 2147;

/** Loads of the newest row of every entity into Redis; and how time and memory grow with the history. */
export async function measureMaterializing(scene: Scene): Promise<Row[]> {
  return [...(await measureLoads(scene)), ...(await measureGrowth(scene))];
}

async function measureLoads(scene: Scene): Promise<Row[]> {
  const { data, sizes, redisUrl, say } = scene;
  const what = `materialize ${sizes.entities} entities out of ${data.table.rows} rows × ${materializedView.features.length}`;
  say(what);
  const bare = (through: BareHsetsRequest['through']) => () =>
    runOurs('bare-hsets', { redisUrl, files: data.table.files, through });
  let ourRows: StoredRows = new Map();
  let feastRows: StoredRows = new Map();
  const answers = await withPartitionsInS3(
    scene.folder,
    [
      [materializedView, data.table],
      [warmUpView, data.warmUp],
    ],
    (s3) =>
      inTurns(
        sizes.turns,
        {
          bare: bare('socket'),
          async ours() {
            const answer = await loadOurs(scene, data.table);
            ourRows = await storedRows(scene.redis);
            return answer;
          },
          async best() {
            const answer = await loadFeast(scene, ENGINES.best);
            feastRows = await storedRows(scene.redis);
            return answer;
          },
          default: () => loadFeast(scene, ENGINES.default),
          ioredis: bare('ioredis'),
          standing: () => loadOurs(scene, data.table, data.table),
          newer: () => loadOurs(scene, data.newer, data.table),
          s3: () => runOurs('materialize', { redisUrl, s3, asOf: data.to }),
        },
        say,
      ),
  );
  const rate = (side: keyof typeof answers): number => sizes.entities / typicalSeconds(answers[side]);
  const speed = { measure: what, unit: 'entities/s', value: rate('ours') };
  const alone = (how: string, side: keyof typeof answers): Row =>
    row({ measure: `${what}, ${how}`, unit: 'entities/s', value: rate(side) });
  const memory = { measure: `${what}: peak memory`, unit: 'MB', value: peakMegabytes(answers.ours) };
  return [
    row({ ...speed, peer: { name: ENGINES.best.name, value: rate('best') }, ratioAtLeast: 10 }),
    row({ ...speed, peer: { name: ENGINES.default.name, value: rate('default') } }),
    row({ ...speed, peer: { name: 'bare HSETs', value: rate('bare') }, ratioAtLeast: 0.5 }),
    row({ ...speed, peer: { name: 'bare HSETs through ioredis', value: rate('ioredis') } }),
    row({
      measure: `${what}: entities stored unlike Feast does`,
      unit: 'entities',
      value: countUnlike(ourRows, feastRows),
      atMost: 0,
    }),
    alone('all of which stand already', 'standing'),
    alone('over older ones', 'newer'),
    alone('pulled from S3', 's3'),
    row({
      ...memory,
      atMost: MOST_MEMORY_MB,
      peer: { name: ENGINES.best.name, value: peakMegabytes(answers.best) },
    }),
    row({ ...memory, peer: { name: ENGINES.default.name, value: peakMegabytes(answers.default) } }),
  ];
}

async function measureGrowth(scene: Scene): Promise<Row[]> {
  const { histories } = scene.data;
  const answers = await inTurns(
    scene.sizes.growthTurns,
    Object.fromEntries(histories.map((table) => [`${table.rows} rows`, () => loadOurs(scene, table)])),
    scene.say,
  );
  const mostMemory = [MOST_MEMORY_MB, undefined, MOST_MEMORY_OF_LONGEST_MB];
  return growthRows('materialize', histories, Object.values(answers), mostMemory);
}

/** Loads a table into a store that is empty, or that holds what `before` gave. */
function loadOurs(
  { redisUrl, data, folder }: Scene,
  table: OfflineTable,
  before?: OfflineTable,
): Promise<TaskAnswer> {
  const request: LoadRequest = {
    redisUrl,
    folder,
    files: table.files,
    before: before?.files ?? [],
    warmUpFiles: data.warmUp.files,
    asOf: data.to,
  };
  return runOurs('load', request);
}

const loadFeast = (
  { feast, data }: Scene,
  engine: (typeof ENGINES)[keyof typeof ENGINES],
): Promise<TaskAnswer> =>
  feastTask(feast, 'materialize', engine, {
    table: data.table,
    ttlSeconds: 0,
    from: `${data.from}T00:00:00+00:00`,
    to: `${data.to}T23:59:59+00:00`,
  });
