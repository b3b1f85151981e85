import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../../platform/project-root';

const { name, version } = JSON.parse(readFileSync(join(projectRoot(), 'package.json'), 'utf8')) as {
  name: string;
  version: string;
};

/** What the Open Inference Protocol tells of a server. */
export const SERVER_METADATA = { name, version, extensions: [] as string[] };
