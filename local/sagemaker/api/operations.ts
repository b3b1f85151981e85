/** An operation of the API; its request has been read by the service model. */
export type Operation = (request: never) => Promise<object>;

export type Operations = Record<string, Operation>;

/** Where everything is, in the words of ARNs. */
export interface Account {
  region: string;
  /** Twelve digits. */
  account: string;
}

export const arnOf = ({ region, account }: Account, resource: string, name: string): string =>
  `arn:aws:sagemaker:${region}:${account}:${resource}/${name}`;

/** The last two parts of an ARN: `arn:…:<resource>/<name>`. */
export function partsOf(arn: string): { resource: string; name: string } {
  const [, resource, name] = /^arn:[^:]*:sagemaker:[^:]*:[^:]*:([^/]+)\/(.+)$/.exec(arn) ?? [];
  return { resource: resource ?? '', name: name ?? '' };
}
