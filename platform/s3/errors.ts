import { S3ServiceException } from '@aws-sdk/client-s3';
import { ErrorCode, MeridianError } from '../../contracts/errors';

export function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && (error.name === 'NoSuchKey' || error.name === 'NotFound');
}

export function missing(bucket: string, key: string): MeridianError {
  return new MeridianError(
    ErrorCode.MissingObject,
    `s3://${bucket}/${key}: no such object. Check that what writes it has run, then retry.`,
  );
}

/** The SDK found none, or S3 takes those it found for nobody's. */
const CREDENTIALS =
  /^(CredentialsProviderError|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken)$/;

/** What the SDK threw, as an error that names the object. */
export function translate(error: unknown, bucket: string, key: string): Error {
  if (error instanceof MeridianError) return error;
  const where = `s3://${bucket}/${key}`;
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && CREDENTIALS.test(error.name)) {
    return new MeridianError(
      ErrorCode.AccessDenied,
      `${where}: the process has no credentials that S3 knows (${error.name}: ${text}). Set AWS_ACCESS_KEY_ID and ` +
        'AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN where there is one), or give the process a profile or a role; ' +
        'start it again, then retry.',
      [],
      { cause: error },
    );
  }
  if (error instanceof S3ServiceException) {
    const status = error.$metadata.httpStatusCode ?? 0;
    if (error.name === 'NoSuchBucket') {
      return new MeridianError(
        ErrorCode.MissingObject,
        `${where}: no such bucket. Create it, then retry.`,
        [],
        { cause: error },
      );
    }
    if (status === 401 || status === 403) {
      return new MeridianError(ErrorCode.AccessDenied, `${where}: access denied (${error.name}).`, [], {
        cause: error,
      });
    }
  }
  return new MeridianError(
    ErrorCode.DependencyUnavailable,
    `${where}: S3 did not answer as expected: ${text}`,
    [],
    {
      cause: error,
    },
  );
}
