import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/**
 * The floor: node:http and the same session, and nothing of what a service owes its callers (no validation, routing,
 * capture, metrics). usage: bare-node.js <model.onnx> <port>
 */
async function main([model, port]: readonly string[]): Promise<void> {
  const session = await InferenceSession.create(model!, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const input = session.inputNames[0]!;
  const names = Array.from({ length: 30 }, (_, index) => `f${index}`);

  async function predict(body: string): Promise<string> {
    const { features } = JSON.parse(body) as { features: Record<string, number | null> };
    const row = Float32Array.from(names, (name) => features[name] ?? NaN);
    const { probabilities } = await session.run({ [input]: new Tensor('float32', row, [1, row.length]) }, [
      'probabilities',
    ]);
    const prediction = (probabilities!.data as Float32Array)[1]!;
    return JSON.stringify({ prediction, model_version: 'churn-v1.0.0' });
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request);
    const text = request.method === 'POST' ? await predict(body) : '{}';
    const length = Buffer.byteLength(text);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': length }).end(text);
  }

  const server = createServer((request, response) => void answer(request, response));
  server.listen(Number(port), '127.0.0.1');
}

/** By events, which cost less than an async iterator. */
function read(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
}

void main(process.argv.slice(2));
