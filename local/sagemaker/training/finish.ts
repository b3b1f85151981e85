import { join } from 'node:path';
import { uploadArchive } from '../container/artifacts';
import { algorithmError, toolkitFailure } from '../container/failure';
import { finalMetrics } from '../container/metrics';
import { failed, type Ending } from '../jobs/timeline';
import type { Cut } from '../jobs/watch';
import { withPatience } from '../patience';
import type { Container, Containers } from './containers';
import { outputPrefix } from './describe';
import type { Training } from './supervise';

/** Uploads what the programs left behind and says how the job ends. */
export async function finish(
  job: Training,
  { all }: Containers,
  exitCodes: number[],
  cut: Cut,
): Promise<Ending> {
  const { record, folder, timeline, storage } = job;
  const metrics = await finalMetrics(
    folder.logs,
    record.request.AlgorithmSpecification?.MetricDefinitions ?? [],
  );
  await timeline.enter('Uploading');
  const prefix = outputPrefix({ record });
  const upload = (from: string[], name: string) =>
    withPatience(() => uploadArchive(from, join(folder.path, name), `${prefix}/${name}`, storage));
  const stopped = cut !== null && cut !== 'host-failed';
  const succeeded = stopped || exitCodes.every((code) => code === 0);
  if (succeeded)
    await upload(
      all.map(({ layout }) => layout.model),
      'model.tar.gz',
    );
  await upload(
    all.map(({ layout }) => layout.outputData),
    'output.tar.gz',
  );
  const exitCode = exitCodes.find((code) => code !== 0) ?? 0;
  if (cut === 'stop') return { outcome: 'Stopped', status: 'Stopped', exitCode, metrics };
  if (cut === 'max-runtime') return { outcome: 'Stopped', status: 'MaxRuntimeExceeded', exitCode, metrics };
  if (cut === 'max-wait') return { outcome: 'Stopped', status: 'MaxWaitTimeExceeded', exitCode, metrics };
  if (succeeded) return { outcome: 'Completed', status: 'Completed', exitCode, metrics };
  return { ...(await failureOf(all, exitCodes)), metrics };
}

/** Told of the host that failed by itself; the others were ended for its sake. */
async function failureOf(all: Container[], exitCodes: number[]): Promise<Ending> {
  const ENDED_BY_US = [143, 137];
  const own = exitCodes.findIndex((code) => code !== 0 && !ENDED_BY_US.includes(code));
  const i = own === -1 ? exitCodes.findIndex((code) => code !== 0) : own;
  const { layout, log, program, inScriptMode } = all[i]!;
  const exitCode = exitCodes[i]!;
  const fallback = inScriptMode ? await toolkitFailure(log, program.command, exitCode) : '';
  return failed(await algorithmError(layout.failure, exitCode, fallback), exitCode);
}
