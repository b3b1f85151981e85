import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { MetricDefinition } from '@aws-sdk/client-sagemaker';

export interface FinalMetric {
  name: string;
  value: number;
  /** Epoch milliseconds. */
  time: number;
}

/** The last value that each metric's expression (its first group) found in the log; absent where it found none. */
export async function finalMetrics(log: string, definitions: MetricDefinition[]): Promise<FinalMetric[]> {
  const found = new Map<string, number>();
  const expressions = definitions.map(({ Name, Regex }) => ({ name: Name!, regex: new RegExp(Regex!) }));
  for await (const line of createInterface({ input: createReadStream(log) })) {
    for (const { name, regex } of expressions) {
      const value = Number(regex.exec(line)?.[1] ?? Number.NaN);
      if (Number.isFinite(value)) found.set(name, value);
    }
  }
  const time = Date.now();
  return [...found].map(([name, value]) => ({ name, value, time }));
}
