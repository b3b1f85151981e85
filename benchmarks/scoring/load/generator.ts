import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Connection, toRequest } from './connection';
import type { LoadAnswer, LoadRequest } from './load';
import { Tally } from './tally';
import type { Ticks } from './ticker';

/** What is under way at the end is waited for, but not for ever. */
const LAST_ANSWERS_MS = 10_000;

const now = (): number => performance.timeOrigin + performance.now();

async function generate(request: LoadRequest): Promise<LoadAnswer> {
  const url = new URL(request.url);
  const requests = request.bodies.map((body) => toRequest(url, body));
  let sent = 0;
  const next = (): Buffer => requests[(sent += 1) % requests.length]!;
  const begin = now() + request.warmUpSeconds * 1000;
  const tally = new Tally(begin, request.seconds);
  const { callsASecond, connections, warmUpSeconds, seconds } = request;
  const load = { port: Number(url.port), connections, next, end: begin + seconds * 1000, tally };
  await (callsASecond === null
    ? closedLoop(load)
    : openLoop(load, { begin: now(), callsASecond, calls: callsASecond * (warmUpSeconds + seconds) }));
  return tally.answer();
}

interface Load {
  port: number;
  connections: number;
  next: () => Buffer;
  /** Milliseconds of the epoch. */
  end: number;
  tally: Tally;
}

/** As many calls as there are connections, at any moment. */
function closedLoop({ port, connections, next, end, tally }: Load): Promise<void> {
  return new Promise((resolve) => {
    let open = connections;
    for (let index = 0; index < connections; index += 1) {
      let since = now();
      const connection = new Connection(port, (_, status, body) => {
        tally.add(since, status === 200, `${status}: ${body}`);
        since = now();
        if (since < end) {
          connection.send(next());
          return;
        }
        connection.close();
        open -= 1;
        if (open === 0) resolve();
      });
      connection.send(next());
    }
  });
}

/** Calls at fixed moments; one that finds no connection free waits for it, and that counts. */
async function openLoop({ port, connections, next, end, tally }: Load, ticks: Ticks): Promise<void> {
  const asked = new Map<Connection, number>();
  const waiting: number[] = [];
  let left = ticks.calls;
  const ask = (connection: Connection, due: number): void => {
    asked.set(connection, due);
    connection.send(next());
  };
  await new Promise<void>((resolve) => {
    const idle = Array.from({ length: connections }, () => new Connection(port, onAnswer));
    new Worker(join(__dirname, 'ticker.js'), { workerData: ticks }).on('message', (due: number) => {
      const connection = idle.pop();
      if (connection) ask(connection, due);
      else waiting.push(due);
    });
    setTimeout(resolve, end - now() + LAST_ANSWERS_MS);

    function onAnswer(connection: Connection, status: number, body: string): void {
      tally.add(asked.get(connection)!, status === 200, `${status}: ${body}`);
      asked.delete(connection);
      left -= 1;
      if (left === 0) resolve();
      const due = waiting.shift();
      if (due === undefined) idle.push(connection);
      else ask(connection, due);
    }
  });
  for (const due of [...asked.values(), ...waiting]) tally.giveUp(due);
}

async function serve(request: LoadRequest): Promise<void> {
  const answer = await generate(request);
  process.send!(answer, () => process.exit(0));
}

process.once('message', (request: LoadRequest) => void serve(request));
