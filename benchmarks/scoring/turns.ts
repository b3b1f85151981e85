import { inTurns } from '../turns';
import type { LoadAnswer, LoadRequest } from './load/load';
import { refuseFailures, runLoad } from './load/run-load';
import type { Scene } from './scene';
import type { Side, StartSide } from './sides';

/** Starts every side, and stops those that started. */
export async function withSides<Name extends string, T>(
  scene: Scene,
  starts: Record<Name, StartSide>,
  use: (sides: Record<Name, Side>) => Promise<T>,
): Promise<T> {
  const sides: Partial<Record<Name, Side>> = {};
  try {
    for (const name of Object.keys(starts) as Name[]) sides[name] = await starts[name](scene);
    return await use(sides as Record<Name, Side>);
  } finally {
    for (const side of Object.values<Side | undefined>(sides)) await side?.stop();
  }
}

export type Load = Pick<LoadRequest, 'bodies' | 'connections' | 'callsASecond'> & { path: string };

/** The same load for every side, in turns. */
export function loadInTurns<Name extends string>(
  { sizes: { turns, seconds, warmUpSeconds }, say }: Scene,
  sides: Record<Name, Side>,
  { path, ...load }: Load,
): Promise<Record<Name, LoadAnswer[]>> {
  const names = Object.keys(sides) as Name[];
  const measures = names.map((name) => {
    const side = sides[name];
    return [
      name,
      async () => {
        await side.prepare?.();
        const url = side.url + (side.path ?? path);
        return refuseFailures(`${name}, ${url}`, await runLoad({ ...load, url, seconds, warmUpSeconds }));
      },
    ] as const;
  });
  return inTurns(turns, Object.fromEntries(measures) as Record<Name, () => Promise<LoadAnswer>>, say);
}
