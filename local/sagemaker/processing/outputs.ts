import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessingS3UploadMode } from '@aws-sdk/client-sagemaker';
import { uploadFolder } from '../container/artifacts';
import { CheckpointSync } from '../container/checkpoints';
import { mapped } from '../container/layout';
import { withPatience } from '../patience';
import type { Processing, ProcessingContainer } from './supervise';

const UPLOAD_EVERY_MS = 1000;

const outputsOf = ({ record }: Processing, mode: ProcessingS3UploadMode) =>
  (record.request.ProcessingOutputConfig?.Outputs ?? [])
    .map(({ S3Output }) => S3Output!)
    .filter(({ S3UploadMode }) => (S3UploadMode ?? 'EndOfJob') === mode);

/** Uploads the outputs of a mode as they are now. */
export async function uploadOutputs(
  job: Processing,
  containers: ProcessingContainer[],
  mode: ProcessingS3UploadMode,
): Promise<void> {
  for (const { LocalPath, S3Uri } of outputsOf(job, mode)) {
    for (const { base } of containers) {
      await withPatience(() => uploadFolder(mapped(LocalPath!, base), S3Uri!, job.storage));
    }
  }
}

/** Uploads the continuous outputs while the programs run; the returned function ends that with a last upload. */
export function keepOutputs(job: Processing, containers: ProcessingContainer[]): () => Promise<void> {
  const uploads = outputsOf(job, 'Continuous').flatMap(({ LocalPath, S3Uri }) =>
    containers.map(({ base }) => new CheckpointSync(S3Uri!, mapped(LocalPath!, base), job.storage)),
  );
  if (uploads.length === 0) return () => Promise.resolve();
  const end = new AbortController();
  const rounds = (async () => {
    while (!end.signal.aborted) {
      for (const upload of uploads) await upload.sync().catch(() => undefined);
      await sleep(UPLOAD_EVERY_MS, undefined, { signal: end.signal }).catch(() => undefined);
    }
  })();
  return async () => {
    end.abort();
    await rounds;
    for (const upload of uploads) await withPatience(() => upload.sync());
  };
}
