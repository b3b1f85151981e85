import type { FeatureView, SupervisedDeclaration } from '../../contracts/model';

/** What the declarations of all imported tables have in common. */
export interface ImportedModel {
  name: string;
  /** The column that names a row: its join key. */
  entity: string;
  label: string;
  /** Of its view and of what the model takes: raised where a table has lost columns, or changed their types. */
  version: number;
  /** The file's name, for the description. */
  source: string;
}

export const OWNER = 'table-import';

/** The view of an imported table: delivered as it is, its values true until it is imported again. */
export const deliveredView = (
  { name, entity, version }: ImportedModel,
  more: Pick<FeatureView, 'description' | 'features'> & Partial<FeatureView>,
): FeatureView => ({
  name: name.replaceAll('-', '_'),
  version,
  owner: OWNER,
  entity: { name: entity, joinKeys: [{ name: entity, type: 'string' }] },
  // A table has no daily load.
  ttlSeconds: 0,
  sources: [],
  transformation: null,
  ...more,
});

/** The labels of an imported table: all of the one day under which it is written. */
export const deliveredLabel = (name: string, classes?: string[]): SupervisedDeclaration['label'] => ({
  name,
  transformation: null,
  sources: [],
  horizonDays: 0,
  everyDays: 1,
  periods: 1,
  ...(classes && { classes }),
});
