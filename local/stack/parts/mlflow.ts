import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { answersHttp } from '../checks';
import type { Part } from '../part';

/** MLflow on sqlite; artifacts pass through it into the bucket, so that its callers need no S3 of their own. */
export const mlflow: Part = {
  name: 'mlflow',
  ports: ['mlflow'],
  needs: [],
  command({ root, data, ports, tools, env }) {
    mkdirSync(data, { recursive: true });
    return {
      file: join(tools.mlflow, 'bin', 'python'),
      args: [
        join(root, 'local', 'python', 'mlflow_server.py'),
        '--host=127.0.0.1',
        `--port=${ports.mlflow}`,
        `--backend-store-uri=sqlite:///${join(data, 'mlflow.db')}`,
        `--artifacts-destination=s3://${env['MERIDIAN_BUCKET']}/mlflow`,
      ],
      env: {
        MLFLOW_S3_ENDPOINT_URL: env['AWS_ENDPOINT_URL_S3']!,
        // Its jobs (for prompts and traces) would cost further processes, and nothing here uses them.
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
        MLFLOW_DISABLE_TELEMETRY: 'true',
        PATH: `${join(tools.mlflow, 'bin')}:${process.env['PATH'] ?? ''}`,
      },
    };
  },
  check: ({ ports }) => answersHttp(`http://127.0.0.1:${ports.mlflow}/health`),
};
