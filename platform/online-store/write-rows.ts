import type { FeatureView } from '../../contracts/model';
import { ByteWriter } from './bytes';
import { entityKeyEncoder } from './entity-key';
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
  /** One byte where no value can be longer. */
  readonly lengthFormat: LengthFormat;
  private readonly writer = new ByteWriter(65_536);
  private readonly encodeKey: (entity: Record<string, unknown>) => Buffer;
  private keys: Buffer[] = [];

  constructor(
    project: string,
    private readonly view: FeatureView,
  ) {
    this.encodeKey = entityKeyEncoder(project, view.entity.joinKeys);
    this.lengthFormat = view.features.some(({ type }) => type === 'string') ? 'I4' : 'B';
  }

  get rows(): number {
    return this.keys.length;
  }

  get bytes(): number {
    return this.writer.position;
  }

  /** @throws MeridianError InvalidInput where a join key or a value is not of its type. The packer is of no use then. */
  add(rows: OnlineRows, row: number): void {
    const { writer } = this;
    const key = this.encodeKey(rows.entity(row));
    const event = rows.eventTimestamp(row);
    const timestamp = (): void => writeTimestamp(writer, event);
    writer.lengthPrefixed(() => {
      this.cell(timestamp);
      this.cell(() => {
        writer.order(event);
        writer.order(rows.createdTimestamp(row));
        timestamp();
      });
      for (const [index, { type }] of this.view.features.entries()) {
        this.cell(() => writeValue(writer, type, rows.value(row, index)));
      }
    });
    this.keys.push(key);
  }

  /** What was added since the last call. */
  take(): PackedRows {
    const taken = { keys: this.keys, packed: this.writer.finish() };
    this.keys = [];
    this.writer.reset();
    return taken;
  }

  private cell(write: () => void): void {
    if (this.lengthFormat === 'B') this.writer.byteLengthPrefixed(write);
    else this.writer.lengthPrefixed(write);
  }
}
