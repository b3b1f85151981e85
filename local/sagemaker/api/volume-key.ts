import { hasLocalStorage } from '../../../contracts/instance-types';
import { validationError } from './errors';

/** Instances of any kind of job. */
interface Instances {
  InstanceType?: string | undefined;
  VolumeKmsKeyId?: string | undefined;
}

/** What is wrong with a key for a volume that is the instance's own disk; null where nothing is. */
export function volumeKeyProblem({ InstanceType = '', VolumeKmsKeyId }: Instances): Error | null {
  if (VolumeKmsKeyId === undefined || !hasLocalStorage(InstanceType)) return null;
  return validationError(
    `VolumeKmsKeyId is not supported for instance types with local storage, as ${InstanceType} is: their disks are encrypted by hardware.`,
  );
}
