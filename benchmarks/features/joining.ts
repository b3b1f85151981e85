import { join } from 'node:path';
import { row, type Row } from '../row';
import { inTurns } from '../turns';
import { FEATURE_NAMES, joinedView, type OfflineTable } from './data';
import { countDifferences } from './differences';
import { ENGINES, feastTask } from './feast';
import { peakMegabytes, typicalSeconds } from './figures';
import { growthRows } from './growth';
import { runOurs } from './processes';
import type { Scene } from './scene';
import type { TaskAnswer } from './tasks/task';

/** Point-in-time joins of one frame, with corrected rows in the table; and how the time grows with the history. */
export async function measureJoining(scene: Scene): Promise<Row[]> {
  const { data, sizes, say } = scene;
  const { rows } = data.corrected;
  const what = `point-in-time join of ${sizes.frameRows} rows with ${rows} × ${FEATURE_NAMES.length}`;
  say(what);
  const ours = join(scene.folder, 'ours.parquet');
  const theirs = join(scene.folder, 'feast.parquet');
  const answers = await inTurns(
    sizes.turns,
    {
      ours: () => joinOurs(scene, data.corrected, ours),
      best: () => joinFeast(scene, ENGINES.best, { out: theirs }),
      bestWithFiles: () => joinFeast(scene, ENGINES.best, { out: theirs, timeFiles: true }),
      default: () => joinFeast(scene, ENGINES.default, { out: join(scene.folder, 'default.parquet') }),
    },
    say,
  );
  const speed = (side: keyof typeof answers): number => sizes.frameRows / typicalSeconds(answers[side]);
  const rate = { measure: what, unit: 'frame rows/s', value: speed('ours') };
  const histories = await inTurns(
    sizes.growthTurns,
    Object.fromEntries(
      data.histories.map((table) => [
        `ours, ${table.rows} rows`,
        () => joinOurs(scene, table, join(scene.folder, 'longer.parquet')),
      ]),
    ),
    say,
  );
  return [
    row({ ...rate, peer: { name: ENGINES.best.name, value: speed('best') }, ratioAtLeast: 1.5 }),
    row({ ...rate, peer: { name: ENGINES.default.name, value: speed('default') }, ratioAtLeast: 15 }),
    row({
      ...rate,
      peer: { name: `${ENGINES.best.name}, files read and written as ours`, value: speed('bestWithFiles') },
      ratioAtLeast: 1.5,
    }),
    row({
      measure: `${what}: peak memory`,
      unit: 'MB',
      value: peakMegabytes(answers.ours),
      peer: { name: ENGINES.best.name, value: peakMegabytes(answers.best) },
      ratioAtMost: 1,
    }),
    row({
      measure: `${what}: rows unlike those of ${ENGINES.best.name}`,
      unit: 'rows',
      value: await countDifferences(data.frame, ours, theirs),
      atMost: 0,
    }),
    ...growthRows('point-in-time join', data.histories, Object.values(histories)),
  ];
}

/** From Parquet to Parquet, reading and writing counted. */
const joinOurs = ({ data, folder }: Scene, table: OfflineTable, out: string): Promise<TaskAnswer> =>
  runOurs('join', { frame: data.frame, files: table.files, warmUpFiles: data.warmUp.files, out, folder });

/** Feast takes the frame from memory and leaves its answer there; that time alone is counted unless `timeFiles`. */
const joinFeast = (
  { feast, data }: Scene,
  engine: (typeof ENGINES)[keyof typeof ENGINES],
  { out, timeFiles = false }: { out: string; timeFiles?: boolean },
): Promise<TaskAnswer> =>
  feastTask(feast, 'join', engine, {
    table: data.corrected,
    ttlSeconds: joinedView.ttlSeconds,
    frame: data.frame,
    out,
    timeFiles,
  });
