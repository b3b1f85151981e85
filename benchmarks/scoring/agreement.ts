import type { Side } from './sides';

/** A request and the number that is to be answered. */
interface Sample {
  body: object;
  expected: number;
}

/** Every side computes the same thing, or the comparison is none. @throws Error naming the side that does not */
export async function agree(
  sides: Record<string, Side>,
  path: string,
  samples: readonly Sample[],
  tolerance: number,
): Promise<void> {
  for (const [name, { url }] of Object.entries(sides)) {
    for (const { body, expected } of samples) {
      const answer = await fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const text = await answer.text();
      const { prediction } = (answer.ok ? JSON.parse(text) : {}) as { prediction?: number };
      if (prediction === undefined || Math.abs(prediction - expected) > tolerance)
        throw new Error(`${name}: answered ${answer.status} ${text}, expected the prediction ${expected}.`);
    }
  }
}
