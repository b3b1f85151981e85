import { mkdirSync } from 'node:fs';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { answersHttp } from '../checks';
import type { Part } from '../part';

const HEALTH = '/_healthz';

/** S3 on a folder (versitygw), with the platform's bucket in it. */
export const s3: Part = {
  name: 's3',
  ports: ['s3'],
  needs: [],
  command({ data, ports, tools, env }) {
    mkdirSync(data, { recursive: true });
    return {
      file: tools.versitygw,
      args: [
        `--port=127.0.0.1:${ports.s3}`,
        `--region=${env['AWS_REGION']}`,
        `--health=${HEALTH}`,
        '--quiet',
        'posix',
        data,
      ],
      env: { ROOT_ACCESS_KEY: env['AWS_ACCESS_KEY_ID']!, ROOT_SECRET_KEY: env['AWS_SECRET_ACCESS_KEY']! },
    };
  },
  check: ({ ports }) => answersHttp(`http://127.0.0.1:${ports.s3}${HEALTH}`),
  async prepare({ env }) {
    const client = new S3Client({
      endpoint: env['AWS_ENDPOINT_URL_S3']!,
      region: env['AWS_REGION']!,
      forcePathStyle: true,
      credentials: {
        accessKeyId: env['AWS_ACCESS_KEY_ID']!,
        secretAccessKey: env['AWS_SECRET_ACCESS_KEY']!,
      },
    });
    try {
      await client.send(new CreateBucketCommand({ Bucket: env['MERIDIAN_BUCKET']! }));
    } catch (error) {
      const there = ['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'];
      if (!there.includes((error as Error).name)) throw error;
    } finally {
      client.destroy();
    }
  },
};
