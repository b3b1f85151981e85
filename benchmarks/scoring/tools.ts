import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../../platform/project-root';

/** The venvs of what we are compared with. */
export type PeersName = 'peers' | 'mlserver';

interface Installers {
  scoringPeers(root: string): Record<PeersName, { find(): Promise<string | undefined> }>;
}

/** The folder of a venv's programs. @throws Error saying how to install it */
export async function findPeers(name: PeersName): Promise<string> {
  const root = projectRoot();
  const url = pathToFileURL(join(root, 'local/install/venvs.mjs')).href;
  const installers = (await import(url)) as Installers;
  const found = await installers.scoringPeers(root)[name].find();
  if (!found) throw new Error(`Not installed: the venv of ${name}. Run: npm run bench -- scoring`);
  return join(found, 'bin');
}
