import type { Config } from '../../platform/config';

/** A workflow as Slack links it to Temporal's UI, where there is one; else its ID. */
export function workflowLink(
  { temporalUi }: Config['links'],
  namespace: string,
  workflowId: string,
  runId?: string,
): string {
  if (!temporalUi) return workflowId;
  const path = ['namespaces', namespace, 'workflows', workflowId, ...(runId ? [runId] : [])];
  return `<${temporalUi}/${path.map(encodeURIComponent).join('/')}|${workflowId}>`;
}
