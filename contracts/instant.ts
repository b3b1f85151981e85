/** An ISO 8601 instant whose zone is said; a time without one is another instant in every place. */
const INSTANT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):(\d{2}))$/;

export const INSTANT_EXPECTED = 'an instant with a zone, as in 2026-11-20T12:00:00Z';

/**
 * Microseconds since 1970, exact; what is finer is cut, as Feast does. Null where the text is no instant: a day or hour
 * that the calendar does not have, a leap second, no zone.
 */
export function parseInstant(text: string): bigint | null {
  const parts = INSTANT.exec(text);
  if (!parts) return null;
  const [, local, fraction = '', sign, hours = '0', minutes = '0'] = parts;
  const ms = Date.parse(`${local}Z`);
  // Some parsers let 30 February be 2 March.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 19) !== local) return null;
  if (Number(hours) > 23 || Number(minutes) > 59) return null;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  return BigInt(ms - offsetMs) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}
