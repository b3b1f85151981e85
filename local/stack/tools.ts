import { join } from 'node:path';
import { projectRoot } from '../../platform/project-root';

/** Absolute paths of programs, and folders of Python venvs. */
export interface Tools {
  temporal: string;
  versitygw: string;
  redis: string;
  mlflow: string;
  xgboost: string;
  tuner: string;
}

const NEEDED: readonly (keyof Tools)[] = ['temporal', 'versitygw', 'redis', 'mlflow', 'xgboost', 'tuner'];

/**
 * The programs that the installers find or have installed. The installers are plain JavaScript that runs before
 * anything is built, hence the import by path.
 * @throws Error naming what is missing
 */
export async function findTools(): Promise<Tools> {
  const root = projectRoot();
  const installers = (await import(join(root, 'local/install/tools.mjs'))) as {
    findTools(root: string): Promise<Record<keyof Tools, string | undefined>>;
  };
  const found = await installers.findTools(root);
  const missing = NEEDED.filter((name) => !found[name]);
  if (missing.length > 0) {
    throw new Error(`Not installed: ${missing.join(', ')}. Run: node local/bootstrap.mjs install`);
  }
  return found as Tools;
}
