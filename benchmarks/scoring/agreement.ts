import type { Ask } from './dialect';
import type { Side } from './sides';

/** A request and the number that is to be answered. */
export interface Sample {
  ask: Ask;
  expected: number;
}

/** Every side computes the same thing, or the comparison is none. @throws Error naming the side that does not */
export async function agree(
  sides: Record<string, Side>,
  samples: readonly Sample[],
  tolerance: number,
): Promise<void> {
  for (const [name, { url, dialect }] of Object.entries(sides)) {
    for (const { ask, expected } of samples) {
      const body = dialect.body(ask);
      if (body === undefined) continue;
      const answer = await fetch(url + dialect.path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const text = await answer.text();
      const found = answer.ok ? dialect.prediction(JSON.parse(text)) : NaN;
      if (!(Math.abs(found - expected) <= tolerance))
        throw new Error(`${name}: answered ${answer.status} ${text}, expected the prediction ${expected}.`);
    }
  }
}
