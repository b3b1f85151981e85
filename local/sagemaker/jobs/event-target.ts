/** An event is news, no more: nobody waits long for whoever should hear it. */
const PATIENCE_MS = 1_000;

/**
 * Posts an event as an API destination of EventBridge does, to MERIDIAN_SAGEMAKER_EVENTS_URL, with MERIDIAN_EVENTS_TOKEN
 * as its bearer token where there is one. An event that cannot be delivered is lost, as it may be in AWS.
 */
export async function deliver(event: object, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const url = env['MERIDIAN_SAGEMAKER_EVENTS_URL'];
  const token = env['MERIDIAN_EVENTS_TOKEN'];
  if (!url) return;
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(event),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    await answer.body?.cancel();
  } catch {
    // Polls find out.
  }
}
