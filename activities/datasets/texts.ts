import type { QualityFinding } from '../../contracts/dataset';
import { personalColumns, showEntity } from '../../contracts/masking';
import type { SupervisedDeclaration } from '../../contracts/model';
import { identifier, type Database } from '../../platform/duckdb';
import { breach, number } from '../quality/rules';

/** Column of the table `dataset`: whether the feature store knows the row's event at its time. */
export const FOUND = '_found';

const EXAMPLES = 5;

/**
 * Refuses labels of events that nobody knows, and events without a text; takes FOUND out of the table `dataset`.
 * @throws MeridianError DataQualityBreach with counts and examples
 */
export async function refuseWithoutText(
  database: Database,
  declaration: SupervisedDeclaration,
  keys: readonly string[],
): Promise<void> {
  const { name, inputs, views } = declaration;
  const where = `labels/${name}`;
  const from = views.map((view) => view.name).join(', ');
  const findings = await Promise.all([
    findRows(database, declaration, keys, `NOT ${FOUND}`, {
      where,
      check: 'the event is known',
      found: `labels are of events without a row in ${from} at their time`,
      expected: '0',
    }),
    ...inputs
      .filter(({ type }) => type === 'text')
      .map((input) =>
        findRows(database, declaration, keys, `${FOUND} AND ${identifier(input.name)} IS NULL`, {
          where,
          check: `${input.name} is there`,
          found: `labelled events have no ${input.name} in ${from}`,
          expected: '0',
        }),
      ),
  ]);
  if (findings.flat().length > 0) throw breach(findings.flat());
  await database.execute(`ALTER TABLE dataset DROP COLUMN ${FOUND}`);
}

/** The rows of a condition as a finding, where there are any; its `found` follows their number. */
async function findRows(
  database: Database,
  { views }: SupervisedDeclaration,
  keys: readonly string[],
  condition: string,
  finding: Omit<QualityFinding, 'examples'>,
): Promise<QualityFinding[]> {
  const { bad, of } = await database.row<{ bad: number; of: number }>(
    `SELECT count(*) FILTER (WHERE ${condition}) AS bad, count(*) AS of FROM dataset`,
  );
  if (bad === 0) return [];
  const list = keys.map(identifier).join(', ');
  const rows = await database.rows(
    `SELECT ${list} FROM dataset WHERE ${condition} ORDER BY ${list} LIMIT ${EXAMPLES}`,
  );
  const personal = personalColumns(...views);
  return [
    {
      ...finding,
      found: `${number.format(bad)} of ${number.format(of)} ${finding.found}`,
      examples: rows.map((row) => showEntity(row, personal)),
    },
  ];
}
