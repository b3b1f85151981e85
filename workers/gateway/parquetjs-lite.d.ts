/** What we use of the library, which comes without types. */
declare module 'parquetjs-lite' {
  import type { Writable } from 'node:stream';

  export interface ParquetColumn {
    type: 'UTF8' | 'DOUBLE' | 'BOOLEAN' | 'INT32' | 'INT64' | 'TIMESTAMP_MICROS';
    optional?: boolean;
    compression?: 'UNCOMPRESSED' | 'GZIP' | 'SNAPPY';
    statistics?: false;
  }
  export type ParquetSchema = object;
  export const ParquetSchema: new (columns: Record<string, ParquetColumn>) => ParquetSchema;
  export class ParquetWriter {
    static openStream(schema: ParquetSchema, stream: Writable): Promise<ParquetWriter>;
    appendRow(row: Record<string, unknown>): Promise<void>;
    close(): Promise<void>;
  }
}
