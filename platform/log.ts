import pino from 'pino';

export type Log = pino.Logger;

/** What a request or a row holds: whose it is, and its values. Which of them are personal is not known here. */
const HOLD_VALUES = ['entity', 'entities', 'features', 'row', 'rows', 'values'];

/**
 * One JSON line an event on stderr, so that stdout stays free for what a command prints. Values of rows never get into
 * it, wherever they stand in what is logged (two levels deep); name an entity by its mask (contracts/masking.ts).
 */
export function createLog(
  name: string,
  destination: pino.DestinationStream = pino.destination({ fd: 2, sync: false }),
): Log {
  const redact = {
    paths: ['', '*.', '*.*.'].flatMap((above) => HOLD_VALUES.map((field) => `${above}${field}`)),
    censor: '[masked]',
  };
  return pino({ name, level: process.env['LOG_LEVEL'] ?? 'info', redact }, destination);
}
