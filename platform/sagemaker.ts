import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import type { Config } from './config';

/** A client whose retries outlast a burst: SageMaker throttles 16 creations at once, and the default gives up at 3 tries. */
export function createSagemaker(config: Config['sagemaker']): SageMakerClient {
  return new SageMakerClient({
    region: config.region,
    endpoint: config.endpoint,
    maxAttempts: 6,
    retryMode: 'adaptive',
    requestHandler: { connectionTimeout: 5000, requestTimeout: 20_000, throwOnRequestTimeout: true },
  });
}

/**
 * The last lines a job has written, oldest first, where the endpoint tells them (the local service does). None from
 * any other: a log line is worth showing, never worth failing for.
 */
export async function readJobLog(
  { endpoint }: Pick<Config['sagemaker'], 'endpoint'>,
  jobName: string,
  lines: number,
): Promise<string[]> {
  if (!endpoint) return [];
  try {
    const url = new URL(`/_local/training-jobs/${encodeURIComponent(jobName)}/log?tail=${lines}`, endpoint);
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
    return answer.ok ? (await answer.text()).split('\n').filter((line) => line !== '') : [];
  } catch {
    return [];
  }
}
