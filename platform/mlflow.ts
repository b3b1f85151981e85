import { ErrorCode, MeridianError } from '../contracts/errors';

/** MLflow's REST API (`/api/2.0/mlflow`), as far as the platform uses it. */
export interface Mlflow {
  post<T = unknown>(path: string, body: unknown): Promise<T>;
  get<T = unknown>(path: string, query: Record<string, string>): Promise<T>;
  remove(path: string, body: unknown): Promise<void>;
  /** Uploads one run artifact through the server's artifact proxy. */
  putArtifact(experimentId: string, runId: string, path: string, body: Buffer): Promise<void>;
}

/** MLflow's own error code, so that callers can tell "does not exist" from trouble. */
export class MlflowError extends MeridianError {
  constructor(
    readonly mlflowCode: string,
    status: number,
    message: string,
  ) {
    super(codeOf(status, message), message);
  }
}

function codeOf(status: number, message: string): ErrorCode {
  // Two writers made the same row at the same moment: asked again, the later one finds the other's.
  if (message.includes('IntegrityError')) return ErrorCode.DependencyUnavailable;
  if (status === 401 || status === 403) return ErrorCode.AccessDenied;
  if (status === 429 || status >= 500) return ErrorCode.DependencyUnavailable;
  return status === 404 ? ErrorCode.MissingObject : ErrorCode.Conflict;
}

const TIMEOUT_MS = 20_000;
/** An artifact passes through the server to where it keeps them: what is slower than this is an outage. */
const LEAST_BYTES_PER_MS = 1000;

export function createMlflow(baseUrl: string): Mlflow {
  const base = baseUrl.replace(/\/$/, '');
  const api = `${base}/api/2.0/mlflow`;

  async function send(
    method: string,
    url: string,
    body?: string | Buffer,
    timeoutMs = TIMEOUT_MS,
  ): Promise<Response> {
    let answer: Response;
    try {
      answer = await fetch(url, {
        method,
        body: body as RequestInit['body'],
        headers: typeof body === 'string' ? { 'content-type': 'application/json' } : {},
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (cause) {
      throw new MeridianError(
        ErrorCode.DependencyUnavailable,
        `MLflow at ${base} does not answer: ${String(cause)}`,
        [],
        { cause },
      );
    }
    if (answer.ok) return answer;
    const text = await answer.text();
    const { code, message } = parseError(text);
    throw new MlflowError(
      code,
      answer.status,
      `MLflow: ${method} ${new URL(url).pathname} answered ${answer.status} ${code}: ${message}`,
    );
  }

  const json = async <T>(answer: Response): Promise<T> => (await answer.json()) as T;
  return {
    post: async (path, body) => json(await send('POST', `${api}/${path}`, JSON.stringify(body))),
    get: async (path, query) =>
      json(await send('GET', `${api}/${path}?${new URLSearchParams(query).toString()}`)),
    async remove(path, body) {
      await send('DELETE', `${api}/${path}`, JSON.stringify(body));
    },
    async putArtifact(experimentId, runId, path, body) {
      await send(
        'PUT',
        `${base}/api/2.0/mlflow-artifacts/artifacts/${experimentId}/${runId}/artifacts/${path}`,
        body,
        TIMEOUT_MS + Math.ceil(body.length / LEAST_BYTES_PER_MS),
      );
    },
  };
}

function parseError(text: string): { code: string; message: string } {
  try {
    const { error_code: code, message } = JSON.parse(text) as { error_code?: string; message?: string };
    return { code: code ?? 'ERROR', message: message ?? text };
  } catch {
    return { code: 'ERROR', message: text.slice(0, 300) };
  }
}

/** The answer, or null where MLflow says that the thing does not exist. */
export async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof MlflowError && error.mlflowCode === 'RESOURCE_DOES_NOT_EXIST') return null;
    throw error;
  }
}

/** True where the thing existed already: what an idempotent create asks. */
export async function existedAlready(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return false;
  } catch (error) {
    if (error instanceof MlflowError && error.mlflowCode === 'RESOURCE_ALREADY_EXISTS') return true;
    throw error;
  }
}
