import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createLog } from '../../platform/log';
import { reportReady, runMain, shutdownSignal } from '../../platform/process';
import { startMetricSink } from './metrics';
import { startSlackSink } from './slack';

const log = createLog('sinks');

/** Stands in for Slack and for the Datadog agent: takes what they would take, and shows what arrived. */
async function main(): Promise<void> {
  const home = process.env['MERIDIAN_HOME'] ?? '.local';
  const address = {
    host: process.env['MERIDIAN_SINKS_HOST'] ?? '127.0.0.1',
    port: Number(process.env['MERIDIAN_SINKS_PORT'] ?? 8095),
  };
  mkdirSync(home, { recursive: true });
  const shutdown = shutdownSignal(log);
  const slack = await startSlackSink(address, join(home, 'slack.jsonl'));
  const metrics = await startMetricSink(address, join(home, 'metrics.jsonl'));
  reportReady();
  await new Promise((resolve) => shutdown.addEventListener('abort', resolve));
  slack.close();
  metrics.close();
}

runMain(log, main);
