import { DuckDBTypeId, type DuckDBResult, type DuckDBValue } from '@duckdb/node-api';
import {
  Bool,
  Float32,
  Float64,
  Int32,
  Int64,
  Table,
  TimestampMicrosecond,
  Utf8,
  makeData,
  makeVector,
  vectorFromArray,
  type DataType,
  type Vector,
} from 'apache-arrow';
import { identifier, parquetFiles, withDatabase } from './duckdb';

type TypedArray = Float64Array | Float32Array | Int32Array | BigInt64Array;

/**
 * Reads Parquet files as one Arrow table, columns in the order of `columns` (default: all). Nulls stay null.
 * Column types: bool, int32, int64 (bigint in JavaScript), float32, float64 (decimals as well), utf8 (whatever else,
 * as text), timestamps in microseconds (`get` gives epoch milliseconds).
 */
export async function readParquetAsArrow(
  paths: string | readonly string[],
  columns?: readonly string[],
): Promise<Table> {
  const files = parquetFiles(typeof paths === 'string' ? [paths] : paths);
  const list = columns ? columns.map(identifier).join(', ') : '*';
  return withDatabase(async (database) => toArrow(await database.stream(`SELECT ${list} FROM ${files}`)));
}

/** Collects a query's result column by column, out of DuckDB's chunks. */
export async function toArrow(result: DuckDBResult): Promise<Table> {
  const columns = result.columnNames().map((name, index) => ({
    name,
    typeId: result.columnTypeId(index),
    values: [] as DuckDBValue[],
  }));
  for (
    let chunk = await result.fetchChunk();
    chunk && chunk.rowCount > 0;
    chunk = await result.fetchChunk()
  ) {
    for (const [index, column] of columns.entries()) {
      chunk.visitColumnValues(index, (value) => column.values.push(value));
    }
  }
  return new Table(
    Object.fromEntries(columns.map(({ name, typeId, values }) => [name, vectorOf(typeId, values)])),
  );
}

function vectorOf(typeId: DuckDBTypeId, values: DuckDBValue[]): Vector {
  switch (typeId) {
    case DuckDBTypeId.BOOLEAN:
      return vectorFromArray(values as (boolean | null)[], new Bool());
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.USMALLINT:
      return packed(new Int32(), new Int32Array(values.length), values, (value) => value as number);
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UINTEGER:
      return packed(new Int64(), new BigInt64Array(values.length), values, (value) =>
        BigInt(value as bigint | number),
      );
    case DuckDBTypeId.FLOAT:
      return packed(new Float32(), new Float32Array(values.length), values, (value) => value as number);
    case DuckDBTypeId.DOUBLE:
      return packed(new Float64(), new Float64Array(values.length), values, (value) => value as number);
    case DuckDBTypeId.DECIMAL:
      return packed(new Float64(), new Float64Array(values.length), values, (value) =>
        (value as { toDouble(): number }).toDouble(),
      );
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_TZ:
      return packed(
        new TimestampMicrosecond(typeId === DuckDBTypeId.TIMESTAMP_TZ ? 'UTC' : null),
        new BigInt64Array(values.length),
        values,
        (value) => (value as { micros: bigint }).micros,
      );
    default:
      return vectorFromArray(
        values.map((value) => (value === null ? null : String(value))),
        new Utf8(),
      );
  }
}

/** A column of fixed width: its values side by side, and a bit a row that says which are not null. */
function packed<T extends TypedArray>(
  type: DataType,
  data: T,
  values: readonly DuckDBValue[],
  convert: (value: DuckDBValue) => T[number],
): Vector {
  const valid = new Uint8Array(Math.ceil(values.length / 8));
  let nullCount = 0;
  for (const [row, value] of values.entries()) {
    if (value === null) {
      nullCount++;
    } else {
      data[row] = convert(value);
      valid[row >> 3]! |= 1 << (row & 7);
    }
  }
  return makeVector(
    makeData({ type, length: values.length, nullCount, nullBitmap: valid, data } as Parameters<
      typeof makeData
    >[0]),
  );
}
