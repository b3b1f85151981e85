import { inTurns } from '../turns';
import type { Ask } from './dialect';
import type { LoadAnswer, LoadRequest } from './load/load';
import { refuseFailures, runLoad } from './load/run-load';
import type { Scene } from './scene';
import { requestsOf, type Side, type StartSide } from './sides';

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

/** What each side is asked, in its own dialect. */
export interface Load extends Pick<LoadRequest, 'connections' | 'callsASecond'> {
  asks: readonly Ask[];
}

/** The same load for every side, in turns. */
export function loadInTurns<Name extends string>(
  { sizes: { turns, seconds, warmUpSeconds }, say }: Scene,
  sides: Record<Name, Side>,
  { asks, ...load }: Load,
): Promise<Record<Name, LoadAnswer[]>> {
  const names = Object.keys(sides) as Name[];
  const measures = names.map((name) => {
    const side = sides[name];
    const requests = requestsOf(side, asks);
    const measure = async (): Promise<LoadAnswer> => {
      await side.prepare?.();
      const request = { ...load, ...requests, seconds, warmUpSeconds };
      return refuseFailures(`${name}, ${requests.url}`, await runLoad(request));
    };
    return [name, measure] as const;
  });
  return inTurns(turns, Object.fromEntries(measures) as Record<Name, () => Promise<LoadAnswer>>, say);
}
