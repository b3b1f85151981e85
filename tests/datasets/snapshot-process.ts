import { MockActivityEnvironment } from '@temporalio/testing';
import { createDatasetActivities, type SnapshotRequest } from '../../activities/datasets';
import { createObjectStore } from '../../platform/s3';

/** Builds a snapshot in a process of its own, from compiled code: `snapshot-process.js <threads> <request>`. */
async function main([threads, request]: string[]): Promise<void> {
  const store = createObjectStore({
    endpoint: process.env['AWS_ENDPOINT_URL_S3'],
    region: process.env['AWS_REGION']!,
    bucket: 'meridian-ml-data',
  });
  const { snapshotDataset } = createDatasetActivities({ store, threads: Number(threads) });
  const snapshot = await new MockActivityEnvironment().run(
    snapshotDataset,
    JSON.parse(request!) as SnapshotRequest,
  );
  process.stdout.write(JSON.stringify(snapshot));
  store.close();
}

void main(process.argv.slice(2));
