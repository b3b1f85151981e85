/**
 * Where the other systems are. Every value comes from the environment (`meridian local env` prints it for the
 * embedded default), so that the same code runs there and in production.
 */
export interface Config {
  temporal: { address: string; namespace: string; apiKey?: string; tls: boolean };
  s3: { endpoint?: string; region: string; bucket: string };
  sagemaker: { endpoint?: string; region: string; roleArn: string; imageRegistry: string; imageTag: string };
  redisUrl: string;
  mlflowUrl: string;
  slack: { apiUrl?: string; token?: string; channel: string };
  scoring: { host: string; port: number };
  gateway: { host: string; port: number };
  /** Shown in messages and links. */
  links: { temporalUi?: string; scoring?: string; console?: string };
}

type Environment = Record<string, string | undefined>;

export function loadConfig(env: Environment = process.env): Config {
  const required = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === '') {
      throw new Error(
        `The environment variable ${name} is not set. Expected the address of a running part; ` +
          'locally run: eval "$(npx meridian local env)".',
      );
    }
    return value;
  };
  const region = env['AWS_REGION'] ?? 'us-west-2';
  return {
    temporal: {
      address: required('TEMPORAL_ADDRESS'),
      namespace: env['TEMPORAL_NAMESPACE'] ?? 'default',
      apiKey: env['TEMPORAL_API_KEY'],
      tls: env['TEMPORAL_TLS'] === 'true' || env['TEMPORAL_API_KEY'] !== undefined,
    },
    s3: {
      endpoint: env['AWS_ENDPOINT_URL_S3'],
      region,
      bucket: env['MERIDIAN_BUCKET'] ?? 'meridian-ml-data',
    },
    sagemaker: {
      endpoint: env['AWS_ENDPOINT_URL_SAGEMAKER'],
      region,
      roleArn: env['MERIDIAN_SAGEMAKER_ROLE_ARN'] ?? 'arn:aws:iam::000000000000:role/meridian-training',
      imageRegistry: env['MERIDIAN_IMAGE_REGISTRY'] ?? 'meridian',
      imageTag: env['MERIDIAN_IMAGE_TAG'] ?? 'latest',
    },
    redisUrl: required('REDIS_URL'),
    mlflowUrl: required('MLFLOW_TRACKING_URI'),
    slack: {
      apiUrl: env['SLACK_API_URL'],
      token: env['SLACK_BOT_TOKEN'],
      channel: env['SLACK_CHANNEL'] ?? '#ml-team',
    },
    scoring: {
      host: env['MERIDIAN_SCORING_HOST'] ?? '127.0.0.1',
      port: Number(env['MERIDIAN_SCORING_PORT'] ?? 8080),
    },
    gateway: {
      host: env['MERIDIAN_GATEWAY_HOST'] ?? '127.0.0.1',
      port: Number(env['MERIDIAN_GATEWAY_PORT'] ?? 8090),
    },
    links: {
      temporalUi: env['MERIDIAN_TEMPORAL_UI_URL'],
      scoring: env['MERIDIAN_SCORING_URL'],
      console: env['MERIDIAN_CONSOLE_URL'],
    },
  };
}
