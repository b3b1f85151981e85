import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../../platform/project-root';

interface Installers {
  scoringPeers(root: string): { find(): Promise<string | undefined> };
}

/** The venv of what we are compared with. @throws Error saying how to install it */
export async function findPeers(): Promise<string> {
  const root = projectRoot();
  const url = pathToFileURL(join(root, 'local/install/venvs.mjs')).href;
  const installers = (await import(url)) as Installers;
  const found = await installers.scoringPeers(root).find();
  if (!found) throw new Error('Not installed: the peers of scoring. Run: npm run bench -- scoring');
  return found;
}
