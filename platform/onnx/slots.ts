import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Answer, Feeds, SessionHost } from './session';

/** What a slot is asked to do; each is answered by a `SlotReply` of the same number. */
export type SlotRequest = { call: number; session: number } & (
  | { do: 'open'; model: SharedArrayBuffer }
  | { do: 'run'; feeds: MovedFeeds; output: string }
  | { do: 'release' }
);
export type SlotReply = { call: number; error?: string; opened?: Opened; answer?: Answer };

/** Tensors as they travel: a `Tensor` itself cannot. */
export type MovedFeeds = {
  name: string;
  type: Tensor.Type;
  data: Tensor.DataType;
  dims: readonly number[];
}[];

interface Opened {
  inputs: readonly InferenceSession.ValueMetadata[];
  outputs: readonly InferenceSession.ValueMetadata[];
}

/** Threads that run graphs, each one at a time and every graph: a long inference leaves the event loop free. */
export interface Slots extends SessionHost {
  readonly size: number;
  /** Runs that wait for a slot. */
  waiting(): number;
  close(): Promise<void>;
}

interface Job {
  feeds: MovedFeeds;
  session: number;
  output: string;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/** @param size how many graphs compute at a time; the machine's cores, where they are ours alone */
export function createSlots(size: number): Slots {
  const threads = Array.from({ length: size }, createThread);
  const idle = [...threads];
  const jobs: Job[] = [];
  let sessions = 0;

  async function work(thread: Thread, { session, feeds, output, resolve, reject }: Job): Promise<void> {
    try {
      const moved = feeds.map(({ data }) => (data as Float32Array<ArrayBuffer>).buffer);
      resolve((await thread.ask({ do: 'run', session, feeds, output }, moved)).answer!);
    } catch (error) {
      reject(error);
    }
    const next = jobs.shift();
    if (next) void work(thread, next);
    else idle.push(thread);
  }

  return {
    size,
    waiting: () => jobs.length,
    async open(model) {
      const session = (sessions += 1);
      const shared = new SharedArrayBuffer(model.byteLength);
      new Uint8Array(shared).set(model);
      const release = async (): Promise<void> => {
        await Promise.all(threads.map((thread) => thread.ask({ do: 'release', session })));
      };
      try {
        const [first] = await Promise.all(
          threads.map((thread) => thread.ask({ do: 'open', session, model: shared })),
        );
        return { ...first!.opened!, run: (feeds, output) => run(session, feeds, output), release };
      } catch (error) {
        await release();
        throw error;
      }
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.end()));
    },
  };

  function run(session: number, feeds: Feeds, output: string): Promise<Answer> {
    const moved = Object.entries(feeds).map(([name, { type, data, dims }]) => ({ name, type, data, dims }));
    return new Promise((resolve, reject) => {
      const job: Job = { session, feeds: moved, output, resolve, reject };
      const thread = idle.pop();
      if (thread) void work(thread, job);
      else jobs.push(job);
    });
  }
}

type Thread = ReturnType<typeof createThread>;

function createThread() {
  // An error of the thread's own is not caught: a process that has lost a slot had better be started anew.
  const worker = new Worker(join(__dirname, 'slot-thread.js'));
  const calls = new Map<number, { resolve: (reply: SlotReply) => void; reject: (error: Error) => void }>();
  let last = 0;
  worker.on('message', (reply: SlotReply) => {
    const { resolve, reject } = calls.get(reply.call)!;
    calls.delete(reply.call);
    if (reply.error === undefined) resolve(reply);
    else reject(new Error(reply.error));
  });
  return {
    ask(request: Unnumbered<SlotRequest>, moved: ArrayBuffer[] = []): Promise<SlotReply> {
      const call = (last += 1);
      return new Promise((resolve, reject) => {
        calls.set(call, { resolve, reject });
        worker.postMessage({ ...request, call }, moved);
      });
    },
    end: () => worker.terminate(),
  };
}

type Unnumbered<Request> = Request extends unknown ? Omit<Request, 'call'> : never;
