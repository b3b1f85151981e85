import { FEAST_PROJECT } from '../../../contracts/ids';
import { literal, withDatabase } from '../../../platform/duckdb';
import { encodeEntityKey } from '../../../platform/online-store/entity-key';
import { featureField, timestampField } from '../../../platform/online-store/fields';
import { encodeTimestamp } from '../../../platform/online-store/timestamp';
import { encodeValue } from '../../../platform/online-store/value';
import { FEATURE_NAMES, JOIN_KEY, materializedView as view } from '../data';

export const entityKey = (entity: string): Buffer =>
  encodeEntityKey(FEAST_PROJECT, view.entity.joinKeys, { [JOIN_KEY]: entity });

/** The fields that Feast writes of the view, its event time last. */
export const FIELDS: readonly Buffer[] = [
  ...FEATURE_NAMES.map((name) => featureField(view.name, name)),
  timestampField(view.name),
];

/** The arguments of one HSET an entity, as Feast encodes its newest row. */
export async function newestRowsEncoded(files: readonly string[]): Promise<Buffer[][]> {
  return withDatabase(async (database) => {
    const result = await database.stream(
      `SELECT ${JOIN_KEY}, epoch_us(event_timestamp), ${FEATURE_NAMES.join(', ')}
       FROM read_parquet([${files.map(literal).join(', ')}])
       QUALIFY row_number() OVER (PARTITION BY ${JOIN_KEY} ORDER BY event_timestamp DESC) = 1`,
    );
    const rows: Buffer[][] = [];
    for (
      let chunk = await result.fetchChunk();
      chunk && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      for (const [entity, event, ...values] of chunk.getRows()) {
        const cells = values.map((value) => encodeValue('double', value as number | null));
        const stamped = [...cells, encodeTimestamp(event as bigint)];
        rows.push([
          entityKey(entity as string),
          ...FIELDS.flatMap((field, index) => [field, stamped[index]!]),
        ]);
      }
    }
    return rows;
  });
}
