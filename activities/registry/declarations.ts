import { ErrorCode, MeridianError, show } from '../../contracts/errors';
import { validateModelDeclaration } from '../../contracts/generated/validators';
import { Key } from '../../contracts/ids';
import type { DeclarationPointer, ModelDeclaration, ResolvedDeclaration } from '../../contracts/model';
import { parse } from '../../contracts/validate';
import type { ObjectStore } from '../../platform/s3';

export function createDeclarationActivities(store: ObjectStore) {
  return {
    /**
     * The model's declaration as it is published now. The rest of the run uses what this returns.
     * @throws MeridianError UnknownModel
     */
    resolveDeclaration: ({ model }: { model: string }) => resolveDeclaration(store, model),

    /** Every declared model, in alphabetical order. */
    listModels: () => store.listFolders('declarations/'),
  };
}

export async function resolveDeclaration(store: ObjectStore, model: string): Promise<ResolvedDeclaration> {
  const pointer = await store.find(Key.declarationPointer(model));
  if (!pointer) {
    const known = await store.listFolders('declarations/');
    throw new MeridianError(
      ErrorCode.UnknownModel,
      `No model ${show(model)} is declared (declared: ${known.join(', ') || 'none'}). Publish it with \`npx meridian apply\`.`,
      [{ field: 'model', found: show(model), expected: `one of ${known.join(', ') || '(none declared)'}` }],
    );
  }
  const { hash, code, source } = JSON.parse(pointer.body.toString('utf8')) as DeclarationPointer;
  return { hash, code, source, declaration: await readDeclaration(store, model, hash) };
}

export async function readDeclaration(
  store: ObjectStore,
  model: string,
  hash: string,
): Promise<ModelDeclaration> {
  const key = Key.declaration(model, hash);
  return parse<ModelDeclaration>(validateModelDeclaration, store.uri(key), await store.getJson(key));
}
