import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { create } from 'tar';
import { canonicalJson } from '../contracts/canonical-json';
import type { PublishedSource } from '../contracts/decision';
import { validateModelDeclaration } from '../contracts/generated/validators';
import { checkGate } from '../contracts/gate-rules';
import { Key } from '../contracts/ids';
import type { DeclarationPointer, ModelDeclaration } from '../contracts/model';
import { checkInputs } from '../contracts/ownership';
import { checkDeclaredTraining } from '../contracts/training-rules';
import { searchOf } from '../contracts/tuning';
import { parse } from '../contracts/validate';
import { projectRoot } from '../platform/project-root';
import { sha256, type ObjectStore } from '../platform/s3';
import { publishViewsOf, type ViewPublication } from './feature-views';
import { readSourceState } from './source-state';

export interface Publication {
  model: string;
  hash: string;
  codeHash: string;
  change: 'created' | 'updated' | 'unchanged';
  views: ViewPublication[];
}

/** What every training program may import. */
const LIBRARY = 'models/library';

/**
 * Publishes a declaration as hashed JSON, with the views it brings and the code its jobs run, and makes it the current
 * one. Runs in flight keep the one they began with; publishing the same again changes nothing.
 * @throws MeridianError InvalidInput where the declaration does not fit its schema, an input says whose a row is, its training or its search contradicts itself, its gate names a metric that the kind does not have, or a view contradicts what is published
 */
export async function publishDeclaration(
  store: ObjectStore,
  declaration: ModelDeclaration,
): Promise<Publication> {
  const checked = parse<ModelDeclaration>(
    validateModelDeclaration,
    `declaration of ${declaration.name}`,
    declaration,
  );
  checkInputs(checked);
  checkDeclaredTraining(checked);
  checkGate(checked);
  if (checked.training.tuning) searchOf(checked);
  const body = canonicalJson(checked);
  const hash = sha256(body);
  const code = await packCode(checked.training.program);
  const codeHash = sha256(code);
  const model = checked.name;
  const views = await publishViewsOf(store, checked);

  await store.create(Key.declaration(model, hash), body);
  await store.create(Key.code(codeHash), code);
  const before = await store.find(Key.declarationPointer(model));
  const previous = before && (JSON.parse(before.body.toString('utf8')) as DeclarationPointer);
  const same = previous?.hash === hash && previous.code.hash === codeHash;
  const source = await publishSource(store, codeHash);
  // The same content may be in another commit by now; who publishes it without knowing which takes nothing away.
  if (same && (source.commit === null || canonicalJson(previous.source) === canonicalJson(source)))
    return { model, hash, codeHash, change: 'unchanged', views };
  const pointer: DeclarationPointer = {
    hash,
    code: { key: Key.code(codeHash), hash: codeHash },
    source,
    publishedAt: new Date().toISOString(),
  };
  await store.put(Key.declarationPointer(model), JSON.stringify(pointer));
  return { model, hash, codeHash, change: same ? 'unchanged' : previous ? 'updated' : 'created', views };
}

/** Keeps what the checkout held beyond its commit beside the code that was packed from it. */
async function publishSource(store: ObjectStore, codeHash: string): Promise<PublishedSource> {
  const { commit, diff } = await readSourceState(projectRoot());
  if (diff === null) return { commit, dirtyDiffKey: null };
  const dirtyDiffKey = Key.dirtyDiff(codeHash, sha256(diff));
  await store.create(dirtyDiffKey, diff);
  return { commit, dirtyDiffKey };
}

/** Every model's declaration as it is published now, in alphabetical order. */
export async function listDeclarations(store: ObjectStore): Promise<ModelDeclaration[]> {
  const names = await store.listFolders('declarations/');
  return Promise.all(
    names.map(async (name) => {
      const { hash } = await store.getJson<DeclarationPointer>(Key.declarationPointer(name));
      return store.getJson<ModelDeclaration>(Key.declaration(name, hash));
    }),
  );
}

/** The training program and the library, as a tar.gz whose bytes depend on their content alone. */
async function packCode(program: string): Promise<Buffer> {
  const root = projectRoot();
  const library = await readdir(join(root, LIBRARY), { recursive: true, withFileTypes: true });
  const files = library
    .filter((entry) => entry.isFile() && entry.name.endsWith('.py'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  const chunks: Buffer[] = [];
  const pack = create({ cwd: root, portable: true, noMtime: true }, [program, ...files.sort()]);
  for await (const chunk of pack) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}
