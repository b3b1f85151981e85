/** Tells a person what is going on, a line each, and keeps how long each step took. */
export interface Teller {
  /** Seconds by step, in the order they were done. */
  readonly seconds: Record<string, number>;
  say(text: string): void;
  /** Does a step between two lines: what is begun, and what came of it. */
  step<T>(name: string, title: string, work: () => Promise<T>, outcome: (result: T) => string): Promise<T>;
  /** Records a duration measured elsewhere. */
  took(name: string, seconds: number): void;
}

export function createTeller(write: (text: string) => void, clock: () => number = Date.now): Teller {
  const seconds: Record<string, number> = {};
  const round = (value: number): number => Math.round(value * 10) / 10;
  const teller: Teller = {
    seconds,
    say: (text) => write(`${text}\n`),
    took: (name, value) => {
      seconds[name] = round(value);
    },
    async step(name, title, work, outcome) {
      const began = clock();
      teller.say(`▸ ${title} …`);
      try {
        const result = await work();
        teller.took(name, (clock() - began) / 1000);
        teller.say(`✓ ${title}: ${outcome(result)} (${seconds[name]!.toFixed(1)} s)`);
        return result;
      } catch (error) {
        teller.say(`✗ ${title}`);
        throw error;
      }
    },
  };
  return teller;
}
