import { parentPort } from 'node:worker_threads';
import { Tensor } from 'onnxruntime-node';
import { INLINE, type HeldSession } from './session';
import type { MovedFeeds, SlotReply, SlotRequest } from './slots';

/** One slot: holds every graph, and runs what it is sent, one after the other. */
const sessions = new Map<number, HeldSession>();

async function serve(request: SlotRequest): Promise<Omit<SlotReply, 'call'>> {
  switch (request.do) {
    case 'open': {
      // A copy: onnxruntime takes no shared memory.
      const session = await INLINE.open(Uint8Array.from(new Uint8Array(request.model)));
      sessions.set(request.session, session);
      const { inputs, outputs } = session;
      return { opened: { inputs, outputs } };
    }
    case 'run':
      return { answer: await sessions.get(request.session)!.run(tensorsOf(request.feeds), request.output) };
    case 'release':
      await sessions.get(request.session)?.release();
      sessions.delete(request.session);
      return {};
  }
}

const tensorsOf = (feeds: MovedFeeds): Record<string, Tensor> =>
  Object.fromEntries(
    feeds.map(({ name, type, data, dims }) => [name, new Tensor(type, data as never, dims)]),
  );

parentPort!.on('message', (request: SlotRequest) => {
  const { call } = request;
  serve(request).then(
    (reply) => parentPort!.postMessage({ call, ...reply }),
    (error: unknown) => parentPort!.postMessage({ call, error: String(error) }),
  );
});
