import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './project-root';

/** The bundle built ahead of time by `npm run build`; a worker without it does not start. */
export function workflowBundle(name: 'workflows' | 'scoring'): { codePath: string } {
  const codePath = join(projectRoot(), 'dist', `${name}.bundle.js`);
  if (!existsSync(codePath)) throw new Error(`${codePath} is missing. Build it with: npm run build`);
  return { codePath };
}
