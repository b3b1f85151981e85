import { once } from 'node:events';
import { connect } from 'node:net';
import { createRedis } from '../../../platform/redis';
import { newestRowsEncoded } from './encoded';
import { runTask, timed } from './task';

export interface BareHsetsRequest {
  redisUrl: string;
  files: string[];
  through: 'ioredis' | 'socket';
}

const ROWS_A_PIPELINE = 200;
const PIPELINES_IN_FLIGHT = 8;

/** The floor: every entity's newest row as one plain HSET of bytes that were encoded before, pipelined. */
runTask(async ({ redisUrl, files, through }: BareHsetsRequest) => {
  const rows = await newestRowsEncoded(files);
  return [await (through === 'ioredis' ? throughIoredis(redisUrl, rows) : throughSocket(redisUrl, rows))];
});

async function throughIoredis(redisUrl: string, rows: readonly Buffer[][]): Promise<number> {
  const redis = createRedis({ redisUrl });
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < rows.length) {
      const pipeline = redis.pipeline();
      for (const [key, ...cells] of rows.slice(next, (next += ROWS_A_PIPELINE)))
        pipeline.hset(key!, ...cells);
      for (const [error] of (await pipeline.exec())!) if (error) throw error;
    }
  };
  await redis.flushall();
  return timed(() => Promise.all(Array.from({ length: PIPELINES_IN_FLIGHT }, lane)));
}

/** The commands' own bytes are made before as well, and nothing is left to do but to send them. */
async function throughSocket(redisUrl: string, rows: readonly Buffer[][]): Promise<number> {
  const { hostname, port } = new URL(redisUrl);
  const commands: Buffer[] = [];
  for (let at = 0; at < rows.length; at += ROWS_A_PIPELINE) {
    commands.push(Buffer.concat(rows.slice(at, at + ROWS_A_PIPELINE).map((row) => command('HSET', ...row))));
  }
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  // One integer reply a row: `:31\r\n`.
  let replies = 0;
  let wanted = rows.length;
  let answered: () => void = () => undefined;
  socket.on('data', (data: Buffer) => {
    for (const byte of data) if (byte === 10) replies += 1;
    if (replies >= wanted) answered();
  });
  const send = (buffers: readonly Buffer[]): Promise<void> =>
    new Promise((resolve) => {
      answered = resolve;
      for (const buffer of buffers) socket.write(buffer);
    });
  wanted = 1;
  await send([command('FLUSHALL')]);
  replies = 0;
  wanted = rows.length;
  const seconds = await timed(() => send(commands));
  socket.destroy();
  return seconds;
}

function command(name: string, ...args: Buffer[]): Buffer {
  const parts = [Buffer.from(name), ...args];
  return Buffer.concat([
    Buffer.from(`*${parts.length}\r\n`),
    ...parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')]),
  ]);
}
