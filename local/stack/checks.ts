import { access } from 'node:fs/promises';
import { connect } from 'node:net';

const ANSWER_MS = 2000;

/** Throws unless the address answers 2xx. */
export async function answersHttp(url: string): Promise<void> {
  let answer: Response;
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (error) {
    const { message, cause } = error as Error;
    throw new Error(`${url}: ${cause instanceof Error ? cause.message : message}`, { cause: error });
  }
  const body = await answer.text();
  if (!answer.ok) throw new Error(`${url}: answered ${answer.status} ${body.slice(0, 200)}`);
}

/** Throws unless a Redis on that port answers PING with PONG (while it loads its data, it does not). */
export function answersPing(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error('no answer to PING')));
    socket.once('error', reject);
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (answer) => {
      const text = answer.toString('latin1').trim();
      socket.destroy();
      if (text === '+PONG') resolve();
      else reject(new Error(`answered PING with ${text}`));
    });
  });
}

/** Throws unless the file is there. */
export async function fileIsThere(path: string): Promise<void> {
  try {
    await access(path);
  } catch (error) {
    throw new Error(`${path} is not written yet`, { cause: error });
  }
}
