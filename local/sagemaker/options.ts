import type { Log } from '../../platform/log';
import type { Account } from './api/operations';
import type { Storage } from './storage';

export interface ServiceOptions extends Account {
  /** Folder of all state. */
  home: string;
  storage: Storage;
  /** Environment of the supervisors: S3's address and credentials, the virtual environments of the images. */
  env: NodeJS.ProcessEnv;
  log: Log;
}
