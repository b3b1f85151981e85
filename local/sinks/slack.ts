import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/**
 * Slack's Web API, as far as the platform calls it: `POST /api/chat.postMessage` keeps the message as a JSON line,
 * `GET /messages` shows them all.
 */
export async function startSlackSink(address: { host: string; port: number }, file: string): Promise<Server> {
  const server = createServer((request, response) => {
    route(request, response, file).catch((error: unknown) =>
      answer(response, 500, { ok: false, error: String(error) }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, resolve);
  });
  return server;
}

async function route(request: IncomingMessage, response: ServerResponse, file: string): Promise<void> {
  switch (`${request.method} ${request.url}`) {
    case 'GET /healthz':
      return answer(response, 200, { ok: true });
    case 'GET /messages':
      return answer(response, 200, { messages: messages(file) });
    case 'POST /api/chat.postMessage': {
      const message = parseForm(await readBody(request));
      const ts = (Date.now() / 1000).toFixed(6);
      appendFileSync(file, `${JSON.stringify({ ts, ...message })}\n`);
      return answer(response, 200, { ok: true, ts, channel: message['channel'], message });
    }
    default:
      return answer(response, 404, { ok: false, error: 'unknown_method' });
  }
}

/** Slack's clients send a form whose structured fields are JSON. */
function parseForm(body: string): Record<string, unknown> {
  return Object.fromEntries(
    [...new URLSearchParams(body)].map(([key, value]) => [
      key,
      key === 'blocks' ? (JSON.parse(value) as unknown) : value,
    ]),
  );
}

function messages(file: string): unknown[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as unknown);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
