import { decisive, type Prediction } from '../../contracts/scoring';
import type { Side } from './sides';

/** A request and the number that is to be answered; of a text, the probability of its class. */
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
  for (const [name, side] of Object.entries(sides)) {
    for (const { body, expected } of samples) {
      const answer = await fetch(side.url + (side.path ?? path), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const text = await answer.text();
      const { prediction } = (answer.ok ? JSON.parse(text) : { prediction: NaN }) as {
        prediction: Prediction;
      };
      if (!(Math.abs(decisive(prediction) - expected) <= tolerance))
        throw new Error(`${name}: answered ${answer.status} ${text}, expected the prediction ${expected}.`);
    }
  }
}
