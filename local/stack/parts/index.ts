import { PART_NAMES, type Part, type PartName } from '../part';
import { mlflow } from './mlflow';
import { data, gateway, inference, pipelines, sagemaker, sinks } from './platform';
import { redis } from './redis';
import { s3 } from './s3';
import { temporal } from './temporal';

export const PARTS: Record<PartName, Part> = {
  temporal,
  s3,
  redis,
  mlflow,
  sagemaker,
  sinks,
  pipelines,
  data,
  inference,
  gateway,
};

/**
 * The parts of these names. @throws Error naming those there are, where one is unknown
 */
export function partsNamed(names: readonly string[]): Part[] {
  return names.map((name) => {
    const part = (PARTS as Record<string, Part | undefined>)[name];
    if (!part) throw new Error(`Unknown part "${name}". The parts are: ${PART_NAMES.join(', ')}.`);
    return part;
  });
}
