import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Redis } from '../redis';
import { Reply } from './read-reply';

/** Looks at one reply while it lies in the bytes received; `index` counts the replies of a request. */
export type OnReply = (reply: Reply, index: number) => void;

/**
 * A connection of its own for reads. A client that makes an object of each command and of each value in an answer spends
 * four times as long on a hundred entities as Redis does: here a request is bytes, and its answers are read where they lie.
 */
export interface ReadConnection {
  /**
   * Sends commands in one round trip. Where the connection breaks before all have been answered they are sent once more,
   * over a new one (reads change nothing), and `onReply` begins again at 0.
   * @throws What `onReply` throws; else an Error in Redis's or the socket's words.
   */
  send(commands: Buffer, replies: number, onReply: OnReply): Promise<void>;
}

interface Pending {
  replies: number;
  answered: number;
  onReply: OnReply;
  /** What `onReply` threw; the replies that follow it are passed over. */
  failure: { cause: unknown } | null;
  timer: NodeJS.Timeout | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

/** The line broke, which says nothing against what was asked. */
class BrokenConnection extends Error {}

const connections = new WeakMap<Redis, ReadConnection>();

/** The read connection beside a client: to the same server with the same rights, and closed when the client is. */
export function readConnectionOf(redis: Redis): ReadConnection {
  let connection = connections.get(redis);
  if (!connection) connections.set(redis, (connection = createReadConnection(redis)));
  return connection;
}

function createReadConnection(redis: Redis): ReadConnection {
  let line: Promise<Line> | null = null;
  redis.once('end', () => void line?.then((open) => open.close()).catch(() => undefined));

  function open(): Promise<Line> {
    if (redis.status === 'end') return Promise.reject(new Error('The connection has been closed.'));
    const opening = openLine(redis.options, () => {
      if (line === opening) line = null;
    });
    return (line = opening);
  }

  return {
    async send(commands, replies, onReply) {
      try {
        await (await (line ?? open())).send(commands, replies, onReply);
      } catch (error) {
        if (!(error instanceof BrokenConnection)) throw error;
        await (await (line ?? open())).send(commands, replies, onReply);
      }
    },
  };
}

/** One socket, as long as it lasts. */
interface Line extends ReadConnection {
  close(): void;
}

/** Connects, and says who is there and which database is meant. `onGone`: no more is to be sent over this line. */
async function openLine(options: Redis['options'], onGone: () => void): Promise<Line> {
  try {
    const socket = await connectSocket(options);
    const line = createLine(socket, options.commandTimeout, onGone);
    const { username, password, db } = options;
    const greeting: string[][] = [];
    if (password) greeting.push(username ? ['AUTH', username, password] : ['AUTH', password]);
    if (db) greeting.push(['SELECT', String(db)]);
    try {
      await line.send(Buffer.concat(greeting.map(encodeCommand)), greeting.length, refuseError);
    } catch (error) {
      line.close();
      throw error;
    }
    return line;
  } catch (error) {
    onGone();
    throw error;
  }
}

function connectSocket(options: Redis['options']): Promise<Socket> {
  const { host, port, path, family, tls, connectTimeout = 10_000 } = options;
  const address = path ? { path } : { host, port: port ?? 6379, family };
  return new Promise((resolve, reject) => {
    const socket = tls ? connectTls({ ...address, ...tls }) : connectTcp(address);
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    socket.setTimeout(connectTimeout, () => socket.destroy(new Error('connect ETIMEDOUT')));
    socket.once('error', reject);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      socket.setTimeout(0);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function createLine(socket: Socket, timeoutMs: number | undefined, onGone: () => void): Line {
  const waiting: Pending[] = [];
  const reply = new Reply();
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let wanted = 1;

  function onData(chunk: Buffer): void {
    keptBytes += chunk.length;
    if (keptBytes < wanted) {
      kept.push(chunk);
      return;
    }
    const bytes = kept.length === 0 ? chunk : Buffer.concat([...kept, chunk]);
    let at = 0;
    wanted = 1;
    while (at < bytes.length) {
      const next = reply.read(bytes, at);
      if (next < 0) {
        wanted = -next - at;
        break;
      }
      take(reply);
      at = next;
    }
    keptBytes = bytes.length - at;
    kept = keptBytes === 0 ? [] : [bytes.subarray(at)];
  }

  function take(answer: Reply): void {
    const request = waiting[0];
    if (!request) throw new RangeError('A reply came to nothing that was asked.');
    if (!request.failure) {
      try {
        request.onReply(answer, request.answered);
      } catch (cause) {
        request.failure = { cause };
      }
    }
    if (++request.answered < request.replies) return;
    waiting.shift();
    clearTimeout(request.timer);
    if (request.failure) request.reject(request.failure.cause);
    else request.resolve();
  }

  function fail(error: Error): void {
    onGone();
    socket.destroy();
    for (const request of waiting.splice(0)) {
      clearTimeout(request.timer);
      request.reject(error);
    }
  }

  socket.on('data', (chunk) => {
    try {
      onData(chunk);
    } catch (error) {
      fail(error as Error);
    }
  });
  socket.on('error', (error) => fail(new BrokenConnection(error.message)));
  socket.on('close', () => fail(new BrokenConnection('The connection was lost.')));

  return {
    send: (commands, replies, onReply) =>
      new Promise((resolve, reject) => {
        if (replies === 0) return resolve();
        if (socket.destroyed) return reject(new BrokenConnection('The connection was lost.'));
        const timer =
          timeoutMs === undefined
            ? undefined
            : setTimeout(() => fail(new Error(`No answer within ${timeoutMs} ms.`)), timeoutMs);
        waiting.push({ replies, answered: 0, onReply, failure: null, timer, resolve, reject });
        socket.write(commands);
      }),
    close: () => socket.destroy(),
  };
}

const encodeCommand = (words: readonly string[]): Buffer =>
  Buffer.from(
    `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`,
  );

function refuseError({ error }: Reply): void {
  if (error !== null) throw new Error(error);
}
