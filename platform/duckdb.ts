import {
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBConnection,
  type DuckDBResult,
  type DuckDBValue,
  type JS,
} from '@duckdb/node-api';

/** Bound by name (`$day`); only those that the statement mentions are sent. */
export type SqlParameters = Record<string, DuckDBValue>;

export type PlainValue = string | number | bigint | boolean | Date | null;
export type PlainRow = Record<string, PlainValue>;

/** One in-memory DuckDB with one connection: statements run one after the other, each on all of its threads. */
export interface Database {
  execute(sql: string, parameters?: SqlParameters): Promise<void>;
  /** Integers up to 2^53 come as numbers, larger ones as bigint; timestamps as Date (milliseconds). */
  rows<T extends PlainRow = PlainRow>(sql: string, parameters?: SqlParameters): Promise<T[]>;
  /** The first row. @throws where there is none. */
  row<T extends PlainRow = PlainRow>(sql: string, parameters?: SqlParameters): Promise<T>;
  /** Adds rows to a table, given column by column in the order of the table's. */
  append(table: string, columns: readonly (readonly DuckDBValue[])[]): Promise<void>;
  /** Streams: no more than a few chunks (2,048 rows each) are in memory at a time. */
  stream(sql: string, parameters?: SqlParameters): Promise<DuckDBResult>;
  close(): void;
}

export interface DatabaseOptions {
  /** As DuckDB writes it: `1GB`. */
  memoryLimit?: string;
  threads?: number;
  /** Where it spills what does not fit; without one it does not spill. */
  temporaryFolder?: string;
}

/** What DuckDB holds in a chunk at most. */
const CHUNK_ROWS = 2048;

export async function openDatabase(options: DatabaseOptions = {}): Promise<Database> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: options.memoryLimit ?? '1GB',
    threads: String(options.threads ?? 2),
    temp_directory: options.temporaryFolder ?? '',
    // Extensions are built in or absent: nothing is downloaded while a step runs.
    autoinstall_known_extensions: 'false',
  });
  const connection = await instance.connect();
  await connection.run(`SET TimeZone = 'UTC'`);

  const rows = async <T extends PlainRow>(sql: string, parameters?: SqlParameters): Promise<T[]> => {
    const reader = await connection.runAndReadAll(sql, mentioned(sql, parameters));
    return reader.getRowObjectsJS().map(plainRow) as T[];
  };

  return {
    execute: async (sql, parameters) => {
      await connection.run(sql, mentioned(sql, parameters));
    },
    rows,
    async row<T extends PlainRow>(sql: string, parameters?: SqlParameters) {
      const [first] = await rows<T>(sql, parameters);
      if (first === undefined) throw new Error(`Expected a row, found none: ${sql}`);
      return first;
    },
    async append(table, columns) {
      const appender = await connection.createAppender(table);
      const types = columns.map((_, index) => appender.columnType(index));
      const rows = columns[0]?.length ?? 0;
      for (let from = 0; from < rows; from += CHUNK_ROWS) {
        const part = columns.map((column) => column.slice(from, from + CHUNK_ROWS));
        const chunk = DuckDBDataChunk.create(types, part[0]!.length);
        for (const [index, values] of part.entries()) chunk.setColumnValues(index, values);
        appender.appendDataChunk(chunk);
      }
      appender.closeSync();
    },
    stream: (sql, parameters) => connection.stream(sql, mentioned(sql, parameters)),
    close: () => close(connection, instance),
  };
}

/** Opens a database for the time of one call. */
export async function withDatabase<T>(
  use: (database: Database) => Promise<T>,
  options: DatabaseOptions = {},
): Promise<T> {
  const database = await openDatabase(options);
  try {
    return await use(database);
  } finally {
    // Giving its memory back takes tens of milliseconds, for which whoever has the answer need not wait.
    setImmediate(() => database.close());
  }
}

/** A string as an SQL literal. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A name as an SQL identifier. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** `read_parquet([...])` over local files; columns that some files lack are null there. */
export const parquetFiles = (paths: readonly string[]): string =>
  `read_parquet([${paths.map(literal).join(', ')}], union_by_name = true, hive_partitioning = false)`;

// DuckDB refuses parameters that a statement does not mention.
function mentioned(sql: string, parameters: SqlParameters = {}): SqlParameters | undefined {
  const used = Object.entries(parameters).filter(([name]) => new RegExp(`\\$${name}\\b`).test(sql));
  return used.length > 0 ? Object.fromEntries(used) : undefined;
}

function plainRow(row: Record<string, JS>): PlainRow {
  const plain: PlainRow = {};
  for (const [name, value] of Object.entries(row)) plain[name] = plainValue(value);
  return plain;
}

function plainValue(value: JS): PlainValue {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  return value as PlainValue;
}

function close(connection: DuckDBConnection, instance: DuckDBInstance): void {
  connection.closeSync();
  instance.closeSync();
}
