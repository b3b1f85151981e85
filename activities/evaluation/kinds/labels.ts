import type { Table } from 'apache-arrow';
import { show } from '../../../contracts/errors';
import { breach, type HeldOut } from './kind';

const LABEL = 'label';

/** The number in the column `label` of every row. @throws DataQualityBreach where a row has none that is `expected`. */
export function readLabels(
  { where, table }: Pick<HeldOut, 'where' | 'table'>,
  expected: string,
  isLabel: (value: number) => boolean,
): Float64Array {
  if (table.numRows === 0) throw breach(where, 'no rows', 'held-out rows');
  const column = table.getChild(LABEL);
  if (!column) throw breach(where, `no column ${LABEL}`, `a column of ${expected}`);
  return Float64Array.from({ length: table.numRows }, (_, row) => {
    const value: unknown = column.get(row);
    const label = typeof value === 'number' || typeof value === 'bigint' ? Number(value) : NaN;
    if (!isLabel(label))
      throw breach(where, `${LABEL} ${show(value)} in row ${row}`, `${expected} in every row`);
    return label;
  });
}

/** Numbers the entities: the rows of one are not independent of each other, and are resampled together. */
export function numberEntities({ table, joinKeys }: Pick<HeldOut, 'table' | 'joinKeys'>): {
  entity: Uint32Array;
  entities: number;
} {
  const columns = joinKeys.map((name) => table.getChild(name)!);
  return numberKeys(table, (row) => columns.map((column) => String(column.get(row))).join('\0'));
}

function numberKeys(table: Table, keyOf: (row: number) => string): { entity: Uint32Array; entities: number } {
  const numbers = new Map<string, number>();
  const entity = Uint32Array.from({ length: table.numRows }, (_, row) => {
    const key = keyOf(row);
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
  return { entity, entities: numbers.size };
}
