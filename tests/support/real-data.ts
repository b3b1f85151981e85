import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../platform/project-root';

/** Real data, which is no part of the project: in MERIDIAN_SHARED_DATA, or in `shared/data` beside it. */
const folder = process.env['MERIDIAN_SHARED_DATA'] ?? join(projectRoot(), '..', 'shared', 'data');

export const realFile = (name: string): string => join(folder, name);

/** Describes tests on a file of real data; where there is no such file they are skipped, and say so. */
export function describeOnRealData(what: string, name: string, tests: (file: string) => void): void {
  const file = realFile(name);
  const title = `${what} on ${file} (skipped where there is no such file)`;
  (existsSync(file) ? describe : describe.skip)(title, () => tests(file));
}
