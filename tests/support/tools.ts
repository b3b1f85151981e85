import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../../platform/project-root';

/** Programs and venvs that tests use: absolute paths; `timeSkipping` may be no path where the SDK must see to it. */
export interface TestTools {
  temporal: string;
  versitygw: string;
  redis: string;
  mlflow: string;
  xgboost: string;
  sklearn: string;
  torch: string;
  baseModel: string;
  tuner: string;
  peers: string;
  schemathesis: string;
  timeSkipping: string;
}

/** @throws Error naming what is not installed and how to install it */
export async function findTestTools(): Promise<TestTools> {
  const root = projectRoot();
  const url = pathToFileURL(join(root, 'local/install/tools.mjs')).href;
  const installers = (await import(url)) as { findTools(root: string): Promise<Partial<TestTools>> };
  const tools = await installers.findTools(root);
  const missing = Object.entries(tools).filter(([, path]) => !path);
  if (missing.length > 0) {
    throw new Error(
      `Not installed: ${missing.map(([name]) => name).join(', ')}. Run: node local/bootstrap.mjs install`,
    );
  }
  return tools as TestTools;
}
