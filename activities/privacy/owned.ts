import { ErrorCode, MeridianError } from '../../contracts/errors';
import { storedName } from '../../contracts/feature-view';
import type { FeatureView } from '../../contracts/model';
import { ownersOf } from '../../contracts/ownership';
import { identifier, parquetFiles, type Database } from '../../platform/duckdb';
import { columnTypes } from '../../platform/duckdb-types';
import { explainCorruption, type PulledObject } from '../../platform/partitions';
import { namedBy, notOnList, type OptedOut, type OptOuts } from './opt-outs';

/** A view with its partitions on this machine. */
export interface ReadView {
  view: FeatureView;
  files: readonly Pick<PulledObject, 'key' | 'path' | 'bytes'>[];
}

/**
 * The list, and besides all that belongs to those on it: the events that they wrote. Whose a row is its partition says; one
 * that names nobody belongs to nobody.
 * @throws MeridianError CorruptObject where no partition of a view has the column that says whose its rows are.
 */
export async function withOwned(
  database: Database,
  optOuts: OptOuts,
  views: readonly ReadView[],
): Promise<OptOuts> {
  const owned: OptedOut[] = [];
  for (const read of views) {
    const kind = await defineOwned(database, optOuts.kinds, read);
    if (kind) owned.push(kind);
  }
  if (owned.length === 0) return optOuts;
  const condition = `${optOuts.condition} AND ${notOnList(owned)}`;
  return { ...optOuts, kinds: [...optOuts.kinds, ...owned], condition };
}

/** A table of the view's entities that belong to somebody on the list; null where that can be none. */
export async function defineOwned(
  database: Database,
  optedOut: readonly OptedOut[],
  { view, files }: ReadView,
): Promise<OptedOut | null> {
  const owners = ownersOf(view);
  const kinds = namedBy(optedOut, owners);
  if (kinds.length === 0 || files.length === 0) return null;
  const rows = parquetFiles(files.map(({ path }) => path));
  const joinKeys = view.entity.joinKeys.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const table = `owned/${storedName(view)}`;
  return explainCorruption(database, files, async () => {
    requireOwners(view, await columnTypes(database, rows), files[0]!.key);
    await database.execute(
      `CREATE OR REPLACE TABLE ${identifier(table)} AS
       SELECT DISTINCT ${joinKeys.map(({ name }) => identifier(name)).join(', ')}
       FROM ${rows} AS frame WHERE NOT (${notOnList(kinds)})`,
    );
    const { entities } = await database.row<{ entities: number }>(
      `SELECT count(*) AS entities FROM ${identifier(table)}`,
    );
    return { joinKeys, entities, table };
  });
}

/**
 * @param columns Of all the view's partitions that were read.
 * @param key One of them.
 * @throws MeridianError CorruptObject where they do not say whose their rows are
 */
export function requireOwners(view: FeatureView, columns: ReadonlyMap<string, string>, key: string): void {
  const names = ownersOf(view).flatMap(({ joinKeys }) => joinKeys.map(({ name }) => name));
  const missing = names.find((name) => !columns.has(name));
  if (missing === undefined) return;
  throw new MeridianError(
    ErrorCode.CorruptObject,
    `${key}: expected the column ${missing}, which says whose the rows of ${storedName(view)} are, found none there or in ` +
      'any other partition that was read. Nothing was written: who opts out could not be left out. Compute or deliver ' +
      'the partitions again.',
  );
}
