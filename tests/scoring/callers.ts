import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import type { DOCUMENT } from '../../workers/inference/http/openapi';

export interface Reply<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

type Paths = typeof DOCUMENT.paths;

/** Asks a worker, and holds every answer against the worker's own OpenAPI document. */
export interface Caller {
  get<Body>(path: string): Promise<Reply<Body>>;
  post<Body>(path: string, body: unknown, headers?: Record<string, string>): Promise<Reply<Body>>;
}

/** @throws Error where the document is no valid collection of schemas */
export async function createCaller(url: string): Promise<Caller> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as typeof DOCUMENT;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema({ ...document, $id: 'openapi' });

  function validatorOf(method: string, path: string, status: number): ValidateFunction {
    const template = templateOf(document.paths, path);
    const pointer = [template, method, 'responses', String(status), 'content', 'application/json', 'schema'];
    const found = ajv.getSchema(`openapi#/paths/${pointer.map(escape).join('/')}`);
    if (!found) throw new Error(`${method} ${path}: status ${status} is not in the document.`);
    return found;
  }

  async function call<Body>(method: 'get' | 'post', path: string, init: RequestInit): Promise<Reply<Body>> {
    const response = await fetch(`${url}${path}`, { ...init, method });
    const body = (await response.json()) as Body;
    const validate = validatorOf(method, path.split('?', 1)[0]!, response.status);
    if (!validate(body)) {
      const problems = ajv.errorsText(validate.errors);
      throw new Error(
        `${method} ${path} answered ${response.status} with what is not in the document: ${problems}`,
      );
    }
    return { status: response.status, headers: response.headers, body };
  }

  return {
    get: (path) => call('get', path, {}),
    post: (path, body, headers = {}) =>
      call('post', path, {
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      }),
  };
}

/** The path as the document writes it. */
function templateOf(paths: Paths, path: string): string {
  const parts = path.split('/');
  const found = Object.keys(paths).find((template) => {
    const wanted = template.split('/');
    return (
      wanted.length === parts.length && wanted.every((part, at) => part.startsWith('{') || part === parts[at])
    );
  });
  if (!found) throw new Error(`${path} is not in the document.`);
  return found;
}

/** A key as a JSON pointer in a URI has it. */
const escape = (key: string): string => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'));
