import type { Tools } from './tools';

/** The parts of the platform on one machine, in the order a person thinks of them. */
export const PART_NAMES = [
  'temporal',
  's3',
  'redis',
  'mlflow',
  'sagemaker',
  'sinks',
  'pipelines',
  'data',
  'inference',
  'gateway',
] as const;
export type PartName = (typeof PART_NAMES)[number];

/** Every port of the stack with its usual number. */
export const DEFAULT_PORTS = {
  temporal: 7233,
  temporalUi: 8233,
  s3: 7070,
  redis: 6379,
  mlflow: 5000,
  sagemaker: 7080,
  sinks: 7090,
  inference: 8080,
  inferenceGrpc: 8081,
  gateway: 8090,
} as const;
export type PortName = keyof typeof DEFAULT_PORTS;
export type Ports = Record<PortName, number>;

/** What a part is started with. */
export interface PartContext {
  /** The folder of this part's own data. */
  data: string;
  /** The stack's folder. */
  home: string;
  /** The checkout. */
  root: string;
  ports: Ports;
  tools: Tools;
  /** What every process of the stack is given. */
  env: Record<string, string>;
  /** The file that a worker writes once it polls. */
  readyFile: string;
}

/** A part as data: how it is started, and how one knows that it serves. */
export interface Part {
  name: PartName;
  ports: PortName[];
  /** The parts that have to serve before this one is started. */
  needs: PartName[];
  command(context: PartContext): { file: string; args: string[]; env?: Record<string, string> };
  /** Throws, saying what is wrong, while the part does not serve. */
  check(context: PartContext): Promise<void>;
  /** Run once after the part first answers. */
  prepare?(context: PartContext): Promise<void>;
}
