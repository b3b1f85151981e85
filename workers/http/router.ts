import type { ServerResponse } from 'node:http';
import { ErrorCode, MeridianError } from '../../contracts/errors';
import type { QuerySpec } from './query';

export type Method = 'GET' | 'POST';

/** What is done at one path. */
export type Methods<Handler> = Partial<Record<Method, Handler>> & {
  /** The query parameters that it takes; none unless said. */
  query?: QuerySpec;
  /** How its errors are told, where not as everywhere. */
  sendError?: SendError;
};

export type SendError = (response: ServerResponse, cause: unknown, requestId: string) => void;

/** Path → what is done there; a part `*` takes any one part: `/v1/predict/*`. */
export type RouteTable<Handler> = Readonly<Record<string, Methods<Handler>>>;

export interface Found<Handler> {
  methods: Methods<Handler>;
  /** What stood where the path has a `*`, decoded. */
  parameters: readonly string[];
}

export interface Router<Handler> {
  /** @throws RouteNotFound */
  find(path: string): Found<Handler>;
}

const NONE: readonly string[] = [];

/** Tables made once: a request pays for one or two look-ups, whatever the number of routes. */
export function createRouter<Handler>(table: RouteTable<Handler>): Router<Handler> {
  const exact = new Map<string, Found<Handler>>();
  const byFolder = new Map<string, Methods<Handler>>();
  const patterns = new Map<number, { parts: string[]; methods: Methods<Handler> }[]>();
  for (const [path, methods] of Object.entries(table)) {
    const parts = path.split('/');
    const stars = parts.filter((part) => part === '*').length;
    if (stars === 0) exact.set(path, { methods, parameters: NONE });
    else if (stars === 1 && path.endsWith('/*')) byFolder.set(path.slice(0, -1), methods);
    else patterns.set(parts.length, [...(patterns.get(parts.length) ?? []), { parts, methods }]);
  }
  const known = Object.entries(table)
    .flatMap(([path, { GET, POST }]) => [GET && `GET ${path}`, POST && `POST ${path}`])
    .filter((route) => route !== undefined)
    .join(', ');

  function match(path: string): Found<Handler> | undefined {
    const parts = path.split('/');
    const found = patterns
      .get(parts.length)
      ?.find((pattern) => pattern.parts.every((part, place) => part === '*' || part === parts[place]));
    if (!found) return undefined;
    const parameters = parts.filter((_, place) => found.parts[place] === '*').map(decode);
    return { methods: found.methods, parameters };
  }

  return {
    find(path) {
      const whole = exact.get(path);
      if (whole) return whole;
      const cut = path.lastIndexOf('/') + 1;
      const methods = byFolder.get(path.slice(0, cut));
      if (methods && cut < path.length) return { methods, parameters: [decode(path.slice(cut))] };
      const found = match(path);
      if (found) return found;
      throw new MeridianError(ErrorCode.RouteNotFound, `${path}: no such path; there are ${known}.`);
    },
  };
}

function decode(part: string): string {
  try {
    return part.includes('%') ? decodeURIComponent(part) : part;
  } catch {
    return part;
  }
}
