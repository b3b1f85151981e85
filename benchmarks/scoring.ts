import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from './row';
import { measureEntity } from './scoring/entity';
import { measureHttp } from './scoring/http';
import { measureText } from './scoring/text';
import { withScene, type Scene } from './scoring/scene';
import type { Sizes } from './scoring/sizes';

const PARTS = { http: measureHttp, entity: measureEntity, text: measureText } satisfies Record<
  string,
  (scene: Scene) => Promise<Row[]>
>;

/** Scoring: ours, and what users would serve the same models with instead, on the same machine in turns. */
export async function scoringBenchmark(
  sizes: Sizes,
  only: readonly string[],
  say: (text: string) => void,
): Promise<Row[]> {
  const unknown = only.filter((name) => !Object.hasOwn(PARTS, name));
  if (unknown.length > 0)
    throw new Error(`--only ${unknown.join(' ')}: expected ${Object.keys(PARTS).join(', ')}.`);
  const folder = await mkdtemp(join(tmpdir(), 'meridian-bench-'));
  try {
    return await withScene({ sizes, say, folder }, async (scene) => {
      const rows: Row[] = [];
      for (const [name, measure] of Object.entries(PARTS))
        if (only.length === 0 || only.includes(name)) rows.push(...(await measure(scene)));
      return rows;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
