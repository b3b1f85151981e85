import { availableParallelism } from 'node:os';

/**
 * Where the other systems are. Every value comes from the environment (`meridian local env` prints it for the
 * embedded default), so that the same code runs there and in production.
 */
export interface Config {
  temporal: { address: string; namespace: string; apiKey?: string; tls: boolean };
  s3: { endpoint?: string; region: string; bucket: string };
  sagemaker: SagemakerConfig;
  redisUrl: string;
  mlflowUrl: string;
  slack: { apiUrl?: string; token?: string; channel: string };
  /** `grpcPort`: of the Open Inference Protocol, which is spoken over gRPC only where it is given. `slots`: how many graphs of text an inference worker computes at a time. */
  scoring: { host: string; port: number; grpcPort?: number; slots: number };
  /** `eventsToken`: what callers of the events entry must bring; without it whoever reaches the gateway may wake a poll. */
  gateway: { host: string; port: number; eventsToken?: string };
  /** Shown in messages and links. */
  links: { temporalUi?: string; scoring?: string; console?: string };
}

/** Where SageMaker is, and what the account decides of every training; a declaration may decide otherwise. */
export interface SagemakerConfig {
  endpoint?: string;
  region: string;
  roleArn: string;
  imageRegistry: string;
  imageTag: string;
  volumeKmsKeyId?: string;
  outputKmsKeyId?: string;
  vpc?: { subnets: string[]; securityGroupIds: string[] };
  networkIsolation?: boolean;
  encryptTraffic?: boolean;
  costCentre?: string;
  /** A file of prices, in place of the platform's own. */
  pricesFile?: string;
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
    sagemaker: sagemakerConfig(env, region),
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
      grpcPort: env['MERIDIAN_SCORING_GRPC_PORT'] ? Number(env['MERIDIAN_SCORING_GRPC_PORT']) : undefined,
      slots: Number(env['MERIDIAN_INFERENCE_SLOTS'] ?? availableParallelism()),
    },
    gateway: {
      host: env['MERIDIAN_GATEWAY_HOST'] ?? '127.0.0.1',
      port: Number(env['MERIDIAN_GATEWAY_PORT'] ?? 8090),
      eventsToken: env['MERIDIAN_EVENTS_TOKEN'] || undefined,
    },
    links: {
      temporalUi: env['MERIDIAN_TEMPORAL_UI_URL'],
      scoring: env['MERIDIAN_SCORING_URL'],
      console: env['MERIDIAN_CONSOLE_URL'],
    },
  };
}

function sagemakerConfig(env: Environment, region: string): SagemakerConfig {
  const list = (name: string): string[] => (env[name] ?? '').split(',').filter((item) => item !== '');
  const subnets = list('MERIDIAN_SAGEMAKER_SUBNETS');
  const securityGroupIds = list('MERIDIAN_SAGEMAKER_SECURITY_GROUPS');
  if ((subnets.length === 0) !== (securityGroupIds.length === 0)) {
    throw new Error(
      'Of MERIDIAN_SAGEMAKER_SUBNETS and MERIDIAN_SAGEMAKER_SECURITY_GROUPS one is set, expected both or none: a VPC needs both.',
    );
  }
  return {
    endpoint: env['AWS_ENDPOINT_URL_SAGEMAKER'],
    region,
    roleArn: env['MERIDIAN_SAGEMAKER_ROLE_ARN'] ?? 'arn:aws:iam::000000000000:role/meridian-training',
    imageRegistry: env['MERIDIAN_IMAGE_REGISTRY'] ?? 'meridian',
    imageTag: env['MERIDIAN_IMAGE_TAG'] ?? 'latest',
    volumeKmsKeyId: env['MERIDIAN_SAGEMAKER_VOLUME_KMS_KEY'] || undefined,
    outputKmsKeyId: env['MERIDIAN_SAGEMAKER_OUTPUT_KMS_KEY'] || undefined,
    vpc: subnets.length > 0 ? { subnets, securityGroupIds } : undefined,
    networkIsolation: env['MERIDIAN_SAGEMAKER_NETWORK_ISOLATION'] === 'true',
    encryptTraffic: env['MERIDIAN_SAGEMAKER_ENCRYPT_TRAFFIC'] === 'true',
    costCentre: env['MERIDIAN_COST_CENTRE'] || undefined,
    pricesFile: env['MERIDIAN_SAGEMAKER_PRICES'] || undefined,
  };
}
