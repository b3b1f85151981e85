import type { QualityFinding } from '../../contracts/dataset';
import type { SupervisedDeclaration } from '../../contracts/model';
import { identifier, literal, type Database } from '../../platform/duckdb';
import { number, type RowRule } from '../quality/rules';

/** What a label is in `labels/<model>/` and what it becomes in a dataset. */
export interface LabelKind {
  /** DuckDB's type of a stored label. */
  stored: 'INTEGER' | 'VARCHAR' | 'DOUBLE';
  /** What every stored label keeps to. */
  storedRules: readonly RowRule[];
  /** Finds labels that are none of the declared ones; always nothing where no classes are declared. */
  unknown(database: Database, table: string, where: string): Promise<QualityFinding[]>;
  /** SQL of a dataset's label, out of the stored one. */
  toDataset: string;
  /** What every label of a dataset keeps to. */
  datasetRules: readonly RowRule[];
  /** Type of a dataset's label, as its manifest says it. */
  type: 'int32' | 'double';
}

/** By the model's kind: 0 or 1; the class's name, whose index it becomes; or a finite number. */
export function labelKindOf({ kind, label }: Pick<SupervisedDeclaration, 'kind' | 'label'>): LabelKind {
  if (kind === 'tabular-regressor') return numberLabels;
  return kind === 'text-classifier' ? classLabels(label.classes ?? []) : binaryLabels;
}

const rule = (check: string, bad: string, complaint: string): RowRule => ({
  check,
  bad,
  complaint,
  allowedShare: 0,
});

const isBinary = rule(
  'label is 0 or 1',
  '(label IS NULL OR TRY_CAST(label AS INTEGER) NOT IN (0, 1) OR TRY_CAST(label AS INTEGER) IS NULL)',
  'have a label that is neither 0 nor 1',
);

const binaryLabels: LabelKind = {
  stored: 'INTEGER',
  storedRules: [isBinary],
  unknown: () => Promise.resolve([]),
  toDataset: 'label::INTEGER',
  datasetRules: [isBinary],
  type: 'int32',
};

const isNumber = rule(
  'label is a finite number',
  'coalesce(NOT isfinite(TRY_CAST(label AS DOUBLE)), true)',
  'have a label that is no finite number',
);

const numberLabels: LabelKind = {
  stored: 'DOUBLE',
  storedRules: [isNumber],
  unknown: () => Promise.resolve([]),
  toDataset: 'label::DOUBLE',
  datasetRules: [isNumber],
  type: 'double',
};

const classLabels = (classes: readonly string[]): LabelKind => ({
  stored: 'VARCHAR',
  storedRules: [rule('label is there', 'label IS NULL', 'have no label')],
  unknown: (database, table, where) => unknownClasses(database, table, where, classes),
  // DuckDB counts from 1, and the graph's outputs from 0.
  toDataset: `(list_position(${listOf(classes)}, label::VARCHAR) - 1)::INTEGER`,
  datasetRules: [
    rule(
      `label is a class's index`,
      `coalesce(TRY_CAST(label AS INTEGER) NOT BETWEEN 0 AND ${classes.length - 1}, true)`,
      `have a label outside 0 … ${classes.length - 1}`,
    ),
  ],
  type: 'int32',
});

const SHOWN_CLASSES = 5;
/** Of a name: what is longer was meant for no class, and may be anything. */
const SHOWN_LETTERS = 40;

async function unknownClasses(
  database: Database,
  table: string,
  where: string,
  classes: readonly string[],
): Promise<QualityFinding[]> {
  const from = `${identifier(table)} WHERE label IS NOT NULL AND label::VARCHAR NOT IN (${classes.map(literal).join(', ')})`;
  const { rows, names } = await database.row<{ rows: number; names: number }>(
    `SELECT count(*) AS rows, count(DISTINCT label::VARCHAR) AS names FROM ${from}`,
  );
  if (rows === 0) return [];
  const most = await database.rows<{ name: string; times: number }>(
    `SELECT left(label::VARCHAR, ${SHOWN_LETTERS}) AS name, count(*) AS times FROM ${from}
     GROUP BY label::VARCHAR, name ORDER BY times DESC, name LIMIT ${SHOWN_CLASSES}`,
  );
  const named = most.map(({ name, times }) => `${JSON.stringify(name)} (${number.format(times)})`);
  return [
    {
      where,
      check: 'label is a declared class',
      found: `${number.format(rows)} rows have one of ${names} labels that are no declared class: ${listSome(named, names)}`,
      expected: `one of the ${classes.length} declared classes, ${listSome(classes.slice(0, SHOWN_CLASSES), classes.length)}`,
      examples: [],
    },
  ];
}

/** The names shown, and how many there are besides. */
export const listSome = (shown: readonly string[], of: number): string =>
  `${shown.join(', ')}${of > shown.length ? ` and ${of - shown.length} more` : ''}`;

const listOf = (values: readonly string[]): string => `[${values.map(literal).join(', ')}]`;
