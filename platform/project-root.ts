import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The checkout's folder, whether the code runs from source (tests) or from `dist/`. */
export function projectRoot(): string {
  for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'meridian-ml-pipelines')
      return folder;
  }
  throw new Error(`${__dirname} lies in no checkout of meridian-ml-pipelines.`);
}
