import murmurhash from 'murmurhash';
import type { FeatureView } from '../../contracts/model';
import { ByteWriter } from './bytes';
import { entityKeyEncoder } from './entity-key';
import { fieldsOf } from './fields';
import { writeTimestamp, type Micros } from './timestamp';
import { writeValue, type StoredValue } from './value';
import type { LengthFormat } from './write-script';

/** Rows of one view on their way to the online store, wherever they lie: a table's columns, a list of objects. */
export interface OnlineRows {
  readonly count: number;
  /** Join keys by name; valid until the next call. */
  entity(row: number): Record<string, unknown>;
  eventTimestamp(row: number): Micros;
  createdTimestamp(row: number): Micros;
  /** @param feature Its place in the view. */
  value(row: number, feature: number): StoredValue | undefined;
}

/** What one call of the write script takes. */
export interface PackedRows {
  keys: Buffer[];
  packed: Buffer;
}

/** Packs rows as the write script reads them; see `writeScript`. */
export class RowPacker {
  /** How long each value's length is: one byte where no value can be longer. */
  private readonly width: 1 | 4;
  private readonly writer = new ByteWriter(65_536);
  private readonly encodeKey: (entity: Record<string, unknown>) => Buffer;
  /** Rows whose values have the same bytes, but other names, differ as well. */
  private readonly seed: number;
  private keys: Buffer[] = [];

  constructor(
    project: string,
    private readonly view: FeatureView,
  ) {
    this.encodeKey = entityKeyEncoder(project, view.entity.joinKeys);
    this.seed = murmurhash.v3(Buffer.concat(fieldsOf(view)));
    this.width = view.features.some(({ type }) => type === 'string') ? 4 : 1;
  }

  get lengthFormat(): LengthFormat {
    return this.width === 1 ? 'B' : 'I4';
  }

  get rows(): number {
    return this.keys.length;
  }

  get bytes(): number {
    return this.writer.position;
  }

  /** @throws MeridianError InvalidInput where a join key or a value is not of its type. The packer is of no use then. */
  add(rows: OnlineRows, row: number): void {
    const { writer, view, width } = this;
    const key = this.encodeKey(rows.entity(row));
    const event = rows.eventTimestamp(row);
    const packed = writer.begin(4);
    const timestamp = writer.begin(width);
    writeTimestamp(writer, event);
    writer.end(timestamp, width);
    const created = writer.begin(width);
    writer.order(event);
    writer.order(rows.createdTimestamp(row));
    const content = writer.reserve(8);
    writeTimestamp(writer, event);
    writer.end(created, width);
    const values = writer.position;
    for (let feature = 0; feature < view.features.length; feature++) {
      const value = writer.begin(width);
      writeValue(writer, view.features[feature]!.type, rows.value(row, feature));
      writer.end(value, width);
    }
    writer.uint32At(content, ((view.features.length << 16) | (writer.hash(values, this.seed) >>> 16)) >>> 0);
    writer.uint32At(content + 4, writer.hash(values, ~this.seed));
    writer.end(packed, 4);
    this.keys.push(key);
  }

  /** What was added since the last call. */
  take(): PackedRows {
    const taken = { keys: this.keys, packed: this.writer.finish() };
    this.keys = [];
    this.writer.reset();
    return taken;
  }
}
