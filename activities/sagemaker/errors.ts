import { ErrorCode, MeridianError } from '../../contracts/errors';

interface AwsError {
  name: string;
  message: string;
  status: number;
}

const DENIED =
  /AccessDenied|UnrecognizedClient|InvalidSignature|ExpiredToken|CredentialsProviderError|MissingAuthentication/;
const PROGRAMMING = /^(Type|Range|Reference|Syntax)Error$/;
const THROTTLED = /Throttl|TooManyRequests|RequestLimitExceeded/;

export const isNameTaken = (error: unknown): boolean => read(error).name === 'ResourceInUse';

/** SageMaker answers a ValidationException for a training job that it does not know. */
export function isUnknownJob(error: unknown): boolean {
  const { name, message } = read(error);
  return (
    name === 'ResourceNotFound' ||
    (name === 'ValidationException' && /not (be )?f(ou|i)nd|not find/i.test(message))
  );
}

/** A job that has ended, or is about to, cannot be stopped. */
export function isEndedAlready(error: unknown): boolean {
  const { name, message } = read(error);
  return name === 'ValidationException' && message.includes('in status');
}

/** SageMaker's errors in the platform's words; `doing` says what was asked of which job. */
export function translate(error: unknown, doing: string): MeridianError {
  if (error instanceof MeridianError) return error;
  const { code, advice } = classify(read(error));
  const { name, message } = read(error);
  return new MeridianError(code, `${doing}: SageMaker answered ${name}: ${message} ${advice}`, [], {
    cause: error,
  });
}

function classify({ name, status }: AwsError): { code: ErrorCode; advice: string } {
  if (name === 'ResourceLimitExceeded') {
    return {
      code: ErrorCode.CapacityUnavailable,
      advice: 'Wait for running jobs to end, or have the quota raised.',
    };
  }
  if (THROTTLED.test(name) || status === 429) {
    return { code: ErrorCode.DependencyUnavailable, advice: 'It is retried.' };
  }
  if (DENIED.test(name) || status === 401 || status === 403) {
    return { code: ErrorCode.AccessDenied, advice: "Check the worker's credentials and the job's role." };
  }
  if (status >= 400 && status < 500) {
    return { code: ErrorCode.InvalidInput, advice: 'Correct the declaration, then start again.' };
  }
  if (status === 0 && PROGRAMMING.test(name)) {
    return { code: ErrorCode.InternalError, advice: 'This is a fault of the platform; look at the cause.' };
  }
  return { code: ErrorCode.DependencyUnavailable, advice: 'It is retried.' };
}

function read(error: unknown): AwsError {
  const { name, message, $metadata } = error as Partial<Error> & { $metadata?: { httpStatusCode?: number } };
  return { name: name ?? 'Error', message: message ?? String(error), status: $metadata?.httpStatusCode ?? 0 };
}
