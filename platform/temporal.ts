import { types } from 'node:util';
import {
  ApplicationFailure,
  Client,
  Connection,
  isGrpcServiceError,
  type ConnectionOptions,
} from '@temporalio/client';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  type ActivityInboundCallsInterceptor,
  type WorkerOptions,
} from '@temporalio/worker';
import { CancelledFailure, TemporalFailure } from '@temporalio/common';
import { CompleteAsyncError, Context, type Info } from '@temporalio/activity';
import { ErrorCode, MeridianError } from '../contracts/errors';
import type { Config } from './config';
import { isHarmless, readDuckdbError } from './duckdb-errors';
import type { Log } from './log';
import { Patience } from './patience';

const options = (config: Config['temporal']): ConnectionOptions => ({
  address: config.address,
  tls: config.tls,
  apiKey: config.apiKey,
});

/** A client that retries what is unreachable; the caller closes `client.connection`. */
export async function connectClient(config: Config['temporal']): Promise<Client> {
  const connection = await Connection.connect({ ...options(config), connectTimeout: '20 s' });
  return new Client({ connection, namespace: config.namespace });
}

/** A client that connects at its first call, for processes that must start while Temporal is down. */
export function lazyClient(config: Config['temporal']): Client {
  return new Client({ connection: Connection.lazy(options(config)), namespace: config.namespace });
}

/** The connection workers poll with; waits for a server that is still starting. */
export async function connectWorker(config: Config['temporal'], log: Log): Promise<NativeConnection> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await NativeConnection.connect({
        address: config.address,
        tls: config.tls,
        apiKey: config.apiKey,
        // Gzip, the default, takes a third of the time of a batch of rows.
        grpcCompression: { codec: 'none' },
      });
    } catch (error) {
      if (attempt === 60) throw error;
      if (attempt === 1) log.warn({ address: config.address }, 'Temporal does not answer yet; trying on');
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

/** Sends the SDK's own log lines through ours. Call once a process, before any worker is created. */
export function installRuntime(log: Log): void {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => log[levels[level]](meta ?? {}, message)),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN' }) } },
  });
}

/** Turns what an activity throws into a failure whose type says what it was and whether a retry may mend it. */
export function toFailure(error: unknown): unknown {
  if (
    error instanceof TemporalFailure ||
    error instanceof CancelledFailure ||
    error instanceof CompleteAsyncError
  )
    return error;
  if (error instanceof MeridianError) {
    return ApplicationFailure.create({
      type: error.code,
      message: error.message,
      nonRetryable: !error.retryable,
      details: error.fields.length > 0 ? [error.fields] : [],
      cause: MAY_TELL_CAUSE.has(error.code) && error.cause instanceof Error ? error.cause : undefined,
    });
  }
  if (isOutage(error)) {
    return ApplicationFailure.create({
      type: ErrorCode.DependencyUnavailable,
      message: `Temporal did not answer: ${(error as Error).message}`,
      cause: error as Error,
    });
  }
  return withoutData(error);
}

/**
 * Errors about a server that does not answer as it should: what it said helps, and is not about anybody. The cause of any
 * other may hold values of the data, which must not get into a history.
 */
const MAY_TELL_CAUSE: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.DependencyUnavailable,
  ErrorCode.CapacityUnavailable,
  ErrorCode.AccessDenied,
  ErrorCode.Overloaded,
]);

/** An error of DuckDB's that nobody has foreseen, without the values that its words may hold; any other as it is. */
function withoutData(error: unknown): unknown {
  if (!types.isNativeError(error)) return error;
  const reason = readDuckdbError(error.message);
  if (reason === null || isHarmless(reason)) return error;
  // The error of the native library has no stack to lose.
  return ApplicationFailure.create({
    type: error.name,
    message: `DuckDB failed on the data: ${reason.told}. Its own words may hold values, and are not shown.`,
  });
}

/** gRPC's DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED and UNAVAILABLE. */
const OUTAGES: ReadonlySet<number> = new Set([4, 8, 14]);

/** The client wraps what its connection says, some errors more than once. */
function isOutage(error: unknown): boolean {
  if (isGrpcServiceError(error)) return OUTAGES.has(error.code);
  return error instanceof Error && error.cause !== undefined && isOutage(error.cause);
}

/** Ends the retries of an activity that goes on failing without an outage to wait out; details and type survive. */
export function givenUp(
  failure: unknown,
  info: Pick<Info, 'workflowExecution' | 'activityId'>,
  patience: Patience,
): unknown {
  const activity = `${info.workflowExecution?.runId}/${info.activityId}`;
  if (!isUnexplained(failure)) {
    patience.forget(activity);
    return failure;
  }
  if (!patience.exhaustedBy(activity)) return failure;
  return ApplicationFailure.create({
    type:
      (failure instanceof ApplicationFailure ? failure.type : (failure as Error | undefined)?.name) ??
      'Error',
    nonRetryable: true,
    message: failure instanceof Error ? failure.message : String(failure),
    details: failure instanceof ApplicationFailure ? (failure.details ?? []) : [],
    cause: failure instanceof Error ? failure : undefined,
  });
}

/** Neither final already, nor an outage, nor Temporal's own: a bug, most likely. */
function isUnexplained(failure: unknown): boolean {
  if (failure instanceof ApplicationFailure)
    return !failure.nonRetryable && failure.type !== ErrorCode.DependencyUnavailable;
  return !(failure instanceof TemporalFailure) && !(failure instanceof CompleteAsyncError);
}

const KEEP_ALIVE_MS = 5_000;

/**
 * Heartbeats for an activity as long as its process lives, with whatever details it gave last, so that a dead worker is
 * noticed within the heartbeat timeout and a cancellation arrives even where the activity itself never thinks of it.
 */
export function keepAlive(context: Context): () => void {
  const beat = context.heartbeat.bind(context);
  let details: unknown = context.info.heartbeatDetails;
  // Declared read-only, but a plain property: the SDK has no interceptor for heartbeats.
  Object.assign(context, {
    heartbeat(latest?: unknown) {
      details = latest;
      beat(latest);
    },
  });
  const timer = setInterval(() => beat(details), KEEP_ALIVE_MS);
  return () => clearInterval(timer);
}

type Execute = NonNullable<ActivityInboundCallsInterceptor['execute']>;

/** What every activity gets without asking: heartbeats while it runs, and errors that say whether a retry helps. */
class ActivityConduct implements ActivityInboundCallsInterceptor {
  constructor(private readonly patience: Patience) {}

  async execute(input: Parameters<Execute>[0], next: Parameters<Execute>[1]): Promise<unknown> {
    const context = Context.current();
    const stop = context.info.heartbeatTimeoutMs ? keepAlive(context) : () => undefined;
    try {
      return await next(input);
    } catch (error) {
      throw givenUp(toFailure(error), context.info, this.patience);
    } finally {
      stop();
    }
  }
}

/** One a process: an activity's attempts are counted wherever they run in it. */
const patience = new Patience();

/** Options every worker of the platform has in common. */
export const workerDefaults = {
  shutdownGraceTime: '10 s',
  shutdownForceTime: '20 s',
  maxCachedWorkflows: 200,
  interceptors: { activity: [() => ({ inbound: new ActivityConduct(patience) })] },
} satisfies Partial<WorkerOptions>;
