import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from './row';
import { measureEntity } from './scoring/entity';
import { measureHttp } from './scoring/http';
import { measureText } from './scoring/text';
import { measureQueue } from './scoring/queue';
import { measureReload } from './scoring/reload';
import { measureKill } from './scoring/kill';
import { measureSoak } from './scoring/soak';
import { withScene, type Scene, type Setting } from './scoring/scene';

const PARTS = {
  http: measureHttp,
  entity: measureEntity,
  text: measureText,
  queue: measureQueue,
  reload: measureReload,
  kill: measureKill,
  soak: measureSoak,
} satisfies Record<string, (scene: Scene) => Promise<Row[]>>;

/** `only`: the parts to measure; all of them where none is named. */
type Asked = Omit<Setting, 'folder'> & { only: readonly string[] };

/** Scoring: ours, and what users would serve the same models with instead, on the same machine in turns. */
export async function scoringBenchmark({ only, ...setting }: Asked): Promise<Row[]> {
  const unknown = only.filter((name) => !Object.hasOwn(PARTS, name));
  if (unknown.length > 0)
    throw new Error(`--only ${unknown.join(' ')}: expected ${Object.keys(PARTS).join(', ')}.`);
  const folder = await mkdtemp(join(tmpdir(), 'meridian-bench-'));
  try {
    return await withScene({ ...setting, folder }, async (scene) => {
      const rows: Row[] = [];
      for (const [name, measure] of Object.entries(PARTS))
        if (only.length === 0 || only.includes(name)) rows.push(...(await measure(scene)));
      return rows;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
