import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Connection, toRequest } from './connection';

const BODY = '{"prediction":0.5}';
const answerOf = (status: number, body: string): string =>
  `HTTP/1.1 ${status} Said\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('a connection of the load', () => {
  let server: Server;
  let respond: (socket: Socket) => void;
  const request = toRequest(new URL('http://127.0.0.1/v1/predict/churn'), BODY);

  beforeAll(async () => {
    server = createServer((socket) => socket.on('data', () => respond(socket)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });

  afterAll(() => {
    server.close();
  });

  const asks = (times: number): Promise<[status: number, body: string][]> =>
    new Promise((resolve) => {
      const answers: [number, string][] = [];
      const { port } = server.address() as AddressInfo;
      const connection = new Connection(port, (_, status, body) => {
        answers.push([status, body]);
        if (answers.length < times) connection.send(request);
        else {
          connection.close();
          resolve(answers);
        }
      });
      connection.send(request);
    });

  it('counts an answer that comes byte by byte once', async () => {
    respond = (socket) => {
      socket.setNoDelay(true);
      let sent = 0;
      const bytes = answerOf(200, BODY);
      const next = (): void => {
        if (sent >= bytes.length) return;
        socket.write(bytes[sent]!, () => setImmediate(next));
        sent += 1;
      };
      next();
    };
    expect(await asks(2)).toEqual([
      [200, ''],
      [200, ''],
    ]);
  });

  it('tells what was refused, and why', async () => {
    respond = (socket) => void socket.write(answerOf(429, 'too much'));
    expect(await asks(1)).toEqual([[429, 'too much']]);
  });

  it('tells of a connection that broke, and opens another', async () => {
    let asked = 0;
    respond = (socket) => {
      asked += 1;
      if (asked === 1) socket.destroy();
      else socket.write(answerOf(200, BODY));
    };
    expect(await asks(2)).toEqual([
      [0, 'the connection was closed'],
      [200, ''],
    ]);
  });

  it('takes no notice of a goodbye while nothing is asked, and opens another', async () => {
    respond = (socket) => void socket.write(answerOf(200, BODY));
    const { port } = server.address() as AddressInfo;
    const answer = new Promise<[status: number, body: string]>((resolve) => {
      const connection = new Connection(port, (_, status, body) => {
        connection.close();
        resolve([status, body]);
      });
      server.once('connection', (idle) => {
        idle.end(answerOf(408, 'idle for too long'));
        idle.once('close', () => connection.send(request));
      });
    });
    expect(await answer).toEqual([200, '']);
  });
});
