import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { MetricDefinition } from '@aws-sdk/client-sagemaker';
import type { FinalMetric } from '../jobs/job';
import { logStreams } from './log';

/** The values that an expression's first group finds in a line, in their order. */
export function valuesIn(line: string, regex: string): number[] {
  return [...line.matchAll(new RegExp(regex, 'g'))]
    .map((match) => Number(match[1] ?? Number.NaN))
    .filter(Number.isFinite);
}

/**
 * The last value of each metric in the logs; absent where there is none. Of several hosts the last to report counts.
 */
export async function finalMetrics(logs: string, definitions: MetricDefinition[]): Promise<FinalMetric[]> {
  const found = new Map<string, FinalMetric>();
  for (const { path, lastWritten } of await logStreams(logs)) {
    for await (const line of createInterface({ input: createReadStream(path) })) {
      for (const { Name, Regex } of definitions) {
        const value = valuesIn(line, Regex!).at(-1);
        if (value !== undefined) found.set(Name!, { name: Name!, value, time: Math.floor(lastWritten) });
      }
    }
  }
  return [...found.values()];
}
