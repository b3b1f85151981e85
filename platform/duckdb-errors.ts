/** What a DuckDB error may say to anybody: its words hold values of the data, which nobody has said are not personal. */
export interface ToldError {
  /** DuckDB's class: `Conversion`, `Out of Range`, `Binder`. */
  kind: string;
  /** Made of fixed phrases, types, and words of the SQL alone. */
  told: string;
}

const KIND = /^(?:Failed to extract statements: )?([A-Z][A-Za-z]*(?: [A-Za-z]+){0,3}) Error: /;
/** Classes whose words are those of the statement (or of the machine), never the data's. */
const HARMLESS: ReadonlySet<string> = new Set([
  'Binder',
  'Parser',
  'Catalog',
  'IO',
  'Out of Memory',
  'Interrupt',
]);
const TYPE =
  '(?:U?INT(?:8|16|32|64|128)|U?(?:TINY|SMALL|BIG|HUGE)INT|INTEGER|FLOAT|DOUBLE|BOOL(?:EAN)?|DATE|TIME|' +
  'TIMESTAMP(?:_S|_MS|_NS| WITH TIME ZONE)?|VARCHAR|BLOB|UUID|INTERVAL|DECIMAL\\(\\d+, ?\\d+\\))';
/** Phrases of DuckDB's own, at the beginning of what it says. */
const PHRASES = [
  /^Could not convert string/,
  new RegExp(`^Overflow in (?:addition|subtraction|multiplication|division|negation) of ${TYPE}`),
  /^Malformed JSON/,
  /^Could not parse string/,
  /^Map keys must be unique/,
  /^More than one row returned by a subquery/,
];
const WANTED = new RegExp(`(?:to|type) (${TYPE})(?: when casting from source column (.+))?$`);
const MOST_CHARACTERS = 120;

/**
 * Reads what DuckDB said, value by value left out: the class, a phrase of its own, the type that was wanted, the column
 * (where the SQL names it) and the line of the SQL.
 * @param sql The statement as it was written; what a value pretends to be is no part of it.
 * @returns Null where this is no error of DuckDB's.
 */
export function readDuckdbError(message: string, sql = ''): ToldError | null {
  const [prefix, kind] = KIND.exec(message) ?? [];
  if (prefix === undefined || kind === undefined) return null;
  const said = message.slice(prefix.length).replace(/\n\nLINE \d+: [^]*$/, '');
  const place = lineOf(message, sql);
  // The columns that PIVOT makes are called as its values are.
  const words = HARMLESS.has(kind) && !/\bpivot/i.test(sql) ? said.split('\n')[0]! : describe(said, sql);
  return { kind, told: [`${kind} Error${words && `: ${words}`}`, place].filter(Boolean).join(', at ') };
}

/** Whether an error of DuckDB's speaks of the statement or the machine only. */
export const isHarmless = ({ kind }: ToldError): boolean => HARMLESS.has(kind);

function describe(said: string, sql: string): string {
  const phrase = PHRASES.flatMap((pattern) => pattern.exec(said)?.[0] ?? [])[0];
  const [, type, column] = WANTED.exec(said.trimEnd()) ?? [];
  if (phrase === undefined && type === undefined) return '';
  const words = [
    phrase ?? 'a value was refused',
    type && `to ${type}`,
    column && mentions(sql, column) && `from the column ${column}`,
  ];
  return words.filter(Boolean).join(' ');
}

/** An identifier of the SQL, as a whole word. */
const mentions = (sql: string, column: string): boolean =>
  /^\w+$/.test(column) && new RegExp(`\\b${column}\\b`).test(sql);

/** The line of the SQL itself: what the message shows of it could be a value's. */
function lineOf(message: string, sql: string): string {
  const [, number] = /\n\nLINE (\d+): [^]*$/.exec(message) ?? [];
  const line = number === undefined ? undefined : sql.split('\n')[Number(number) - 1]?.trim();
  if (!line) return '';
  const short = line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS - 1)}…` : line;
  return `line ${number} of the SQL (${short})`;
}
