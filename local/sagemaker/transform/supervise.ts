import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { extract } from 'tar';
import { uploadFolder } from '../container/artifacts';
import { ClientError } from '../container/channels';
import type { Control } from '../jobs/control';
import { endingUnder, superviseOnce } from '../jobs/supervise-once';
import type { Supervised } from '../jobs/supervised';
import type { Ending } from '../jobs/timeline';
import { withPatience } from '../patience';
import type { TransformRequest } from './kind';
import { PayloadTooLarge, assembled, payloadsOf } from './records';
import { startServer, untilReady, type ModelServer } from './server';

export type Transform = Supervised<TransformRequest>;

const MB = 1024 * 1024;
const DEFAULT_TIMEOUT_SECONDS = 600;

/** Takes a transform job from its creation to its end: the model is served, and each object sent through it. */
export const superviseTransform = (job: Transform): Promise<void> =>
  superviseOnce(job, (control) => run(job, control));

async function run(job: Transform, control: Control): Promise<Ending> {
  const { folder, timeline } = job;
  const base = join(folder.containers, 'algo-1');
  let server: ModelServer | null = null;
  try {
    await timeline.enter('Starting');
    await control.look();
    control.signal.throwIfAborted();
    await timeline.enter('Downloading');
    await withPatience(() => unpackModel(job, base), control.signal);
    server = await startServer(job, base);
    await untilReady(server, control.signal);
    await timeline.enter('Transforming');
    await transformAll(job, server, control.signal);
    return { outcome: 'Completed', status: 'Completed' };
  } catch (error) {
    return endingUnder(control, error);
  } finally {
    server?.running.signal('SIGKILL');
    await server?.running.ended;
  }
}

async function unpackModel({ record, storage }: Transform, base: string): Promise<void> {
  const model = join(base, 'model');
  await rm(base, { recursive: true, force: true });
  await mkdir(model, { recursive: true });
  const { ModelDataUrl: url } = record.request.container;
  if (!url) return;
  const { store, key } = storage(url);
  const archive = join(base, 'model.tar.gz');
  await store.download(key, archive);
  await extract({ file: archive, cwd: model });
}

/** A bad object has no output and fails the job, but not the other objects; a stopped job stores nothing at all. */
async function transformAll(job: Transform, server: ModelServer, signal: AbortSignal): Promise<void> {
  const { record, folder, storage } = job;
  const { TransformInput: input, TransformOutput: output } = record.request;
  const source = storage(input!.DataSource!.S3DataSource!.S3Uri!);
  const root = source.key.slice(0, source.key.lastIndexOf('/') + 1);
  const results = join(folder.containers, 'results');
  await rm(results, { recursive: true, force: true });
  await mkdir(results, { recursive: true });
  const failures: ClientError[] = [];
  for (const { key } of await withPatience(() => source.store.list(source.key), signal)) {
    const content = await withPatience(() => source.store.get(key), signal);
    try {
      const result = await transform(record.request, key, content, server, signal);
      const file = join(results, `${key.slice(root.length)}.out`);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, result);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ClientError)) throw error;
      failures.push(error);
    }
  }
  signal.throwIfAborted();
  await withPatience(() => uploadFolder(results, output!.S3OutputPath!, storage));
  if (failures[0]) throw failures[0];
}

async function transform(
  request: TransformRequest,
  key: string,
  content: Buffer,
  { url }: ModelServer,
  signal: AbortSignal,
): Promise<Buffer> {
  const { TransformInput: input, TransformOutput: output, ModelClientConfig: client } = request;
  const answers: Buffer[] = [];
  for (const body of split(request, key, content)) {
    const timeout = AbortSignal.timeout(
      (client?.InvocationsTimeoutInSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000,
    );
    const answer = await invoke(`${url}/invocations`, client?.InvocationsMaxRetries ?? 0, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: {
        ...(input!.ContentType && { 'content-type': input!.ContentType }),
        ...(output!.Accept && { accept: output!.Accept }),
      },
      signal: AbortSignal.any([signal, timeout]),
    });
    if (!answer.ok) {
      throw new ClientError(
        `${key}: the model answered ${answer.status}: ${(await answer.text()).slice(0, 500)}`,
      );
    }
    answers.push(Buffer.from(await answer.arrayBuffer()));
  }
  return assembled(answers, output!.AssembleWith === 'Line');
}

function split(request: TransformRequest, key: string, content: Buffer): Buffer[] {
  try {
    return payloadsOf(content, {
      split: request.TransformInput!.SplitType ?? 'None',
      strategy: request.BatchStrategy ?? 'MultiRecord',
      largest: (request.MaxPayloadInMB ?? 6) * MB,
    });
  } catch (error) {
    if (error instanceof PayloadTooLarge) throw new ClientError(`${key}: ${error.message}`);
    throw error;
  }
}

/** Once, and again after an answer that is the server's own fault. */
async function invoke(url: string, retries: number, request: RequestInit): Promise<Response> {
  for (let left = retries; ; left--) {
    const answer = await fetch(url, request).catch((error: unknown) => {
      if (request.signal!.aborted && request.signal!.reason?.name !== 'TimeoutError') throw error;
      throw new ClientError(`The model gave no answer: ${String(error)}`);
    });
    if (answer.status < 500 || left === 0) return answer;
  }
}
