import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Every file below a folder, in the order of their paths; none where there is no folder. */
export function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/**
 * A hash of the names and contents of everything a build reads. By content, since a checkout gives files new times and
 * no new content.
 */
export function fingerprint(root, sourceFolders) {
  const isSource = (path) => /\.(ts|json)$/.test(path) && !path.includes('generated');
  const files = [
    ...sourceFolders.flatMap((folder) => filesBelow(join(root, folder)).filter(isSource)),
    ...filesBelow(join(root, 'scripts')),
    ...['tsconfig.json', 'package-lock.json'].map((name) => join(root, name)),
  ];
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return hash.digest('hex');
}
