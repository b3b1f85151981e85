import type { Storage } from '../storage';
import type { JobFolder, JobRecord, JobRequest } from './job';
import type { Timeline } from './timeline';

/** What a supervisor has of its job. */
export interface Supervised<Request extends JobRequest = JobRequest> {
  record: JobRecord<Request>;
  folder: JobFolder;
  timeline: Timeline;
  storage: Storage;
  /** Folder of all the service's state. */
  home: string;
  env: NodeJS.ProcessEnv;
}
