import { join } from 'node:path';
import { projectRoot } from '../../platform/project-root';
import { createStack, type OnProgress, type PartStatus } from './stack';

/** The folder of the stack that `npm start` and `meridian local` mean: $MERIDIAN_HOME, else `.local` in the checkout. */
export const defaultHome = (env = process.env): string =>
  env['MERIDIAN_HOME'] ?? join(projectRoot(), '.local');

const defaultStack = () => createStack({ home: defaultHome() });

/** Starts these parts (all by default) and what they need. @returns how each part stands */
export async function localUp(parts?: readonly string[], onProgress?: OnProgress): Promise<PartStatus[]> {
  const stack = defaultStack();
  await stack.up(parts, onProgress);
  return stack.status();
}

/** Stops these parts (all by default). @returns how each part stands */
export async function localDown(parts?: readonly string[], onProgress?: OnProgress): Promise<PartStatus[]> {
  const stack = defaultStack();
  await stack.down(parts, onProgress);
  return stack.status();
}

export const localStatus = (): Promise<PartStatus[]> => defaultStack().status();

/** The last lines of a part's log. */
export const localLogs = (part: string, lines?: number): Promise<string> => defaultStack().logs(part, lines);

/** Where everything is, as environment variables. */
export const localEnv = (): Record<string, string> => defaultStack().env();

/** Stops one part and starts it again. @returns how each part stands */
export async function localRestart(part: string): Promise<PartStatus[]> {
  const stack = defaultStack();
  await stack.restart(part);
  return stack.status();
}

/** Environment variables as lines for a shell's `eval`. */
export const asShellExports = (env: Record<string, string>): string =>
  Object.entries(env)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`)
    .join('\n');
