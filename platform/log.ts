import pino from 'pino';

export type Log = pino.Logger;

/** One JSON line an event on stderr, so that stdout stays free for what a command prints. */
export function createLog(name: string): Log {
  return pino({ name, level: process.env['LOG_LEVEL'] ?? 'info' }, pino.destination({ fd: 2, sync: false }));
}
