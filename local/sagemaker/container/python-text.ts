/**
 * Values as Python writes them. Python keeps `1.0` and `1` apart and writes small and large floats its own way; a program must
 * not see another text here than in a real container.
 */

/** A number whose JSON text says that it is a float. */
class Float {
  constructor(readonly value: number) {}
}

/** Reads JSON as Python's `json.loads`; what does not parse is meant as it stands. */
export function decode(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'number' && /[.eE]/.test(text) ? new Float(value) : value;
  } catch {
    return text;
  }
}

/** As `str(value)`, but for None (nothing) and dictionaries (`a=1,b=2`): so the training toolkit writes arguments. */
export function argument(value: unknown): string {
  if (value === null) return '';
  if (isMap(value)) {
    return sortedEntries(value)
      .map(([key, item]) => `${key}=${repr(item, false)}`)
      .join(',');
  }
  return repr(value, false);
}

/** As `json.dumps(value, sort_keys=True, separators=(',', ':'))`. */
export function json(value: unknown): string {
  if (value instanceof Float) return float(value.value);
  if (Array.isArray(value)) return `[${value.map(json).join(',')}]`;
  if (isMap(value)) {
    return `{${sortedEntries(value)
      .map(([key, item]) => `${json(key)}:${json(item)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function repr(value: unknown, quoted = true): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value instanceof Float) return float(value.value);
  if (Array.isArray(value)) return `[${value.map((item) => repr(item)).join(', ')}]`;
  if (isMap(value)) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${repr(key)}: ${repr(item)}`)
      .join(', ')}}`;
  }
  if (typeof value !== 'string' || !quoted) return String(value);
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  return (
    quote + value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll(quote, `\\${quote}`) + quote
  );
}

/** The shortest digits, as JavaScript's; an exponent from 1e16 on and below 1e-4. */
function float(value: number): string {
  const [digits, exponent] = value.toExponential().split('e') as [string, string];
  const power = Number(exponent);
  if (value !== 0 && (power < -4 || power >= 16)) {
    return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  return Number.isInteger(value) ? `${Object.is(value, -0) ? '-0' : value}.0` : String(value);
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Float);

const sortedEntries = (map: Record<string, unknown>): [string, unknown][] =>
  Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
