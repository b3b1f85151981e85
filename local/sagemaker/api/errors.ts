/** An error as SageMaker's JSON protocol sends it. */
export class ApiError extends Error {
  constructor(
    /** `__type` of the answer. */
    readonly type: string,
    message: string,
    readonly httpStatus = 400,
  ) {
    super(message);
  }
}

export const validationError = (message: string): ApiError => new ApiError('ValidationException', message);

/** What SageMaker says of constraint violations, one or many. */
export function constraintError(violations: string[]): ApiError {
  const count = violations.length;
  return validationError(
    `${count} validation error${count === 1 ? '' : 's'} detected: ${violations.join('; ')}`,
  );
}

export const serializationError = (message: string): ApiError =>
  new ApiError('SerializationException', message);

export const UNKNOWN_RESOURCE = 'Requested resource not found.';

export const unknownResource = (): ApiError => validationError(UNKNOWN_RESOURCE);

/** What is asked of a thing that only one that has ended allows. */
export const inUse = (what: string, status: string): ApiError =>
  new ApiError('ResourceInUse', `The request was rejected because the ${what} is in status ${status}.`);

export const noObjects = (uri: string): ApiError =>
  validationError(
    `No S3 objects found under S3 URL "${uri}" given in input data source. Please ensure that the bucket exists, ` +
      'and that the IAM role has access to it.',
  );

export const quotaExceeded = (quota: string, limit: number, used: number, delta: number): ApiError =>
  new ApiError(
    'ResourceLimitExceeded',
    `The account-level service limit '${quota}' is ${limit} Instances, with current utilization of ${used} Instances and a ` +
      `request delta of ${delta} Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS ` +
      'Service Quotas is not available, contact AWS support to request an increase for this quota.',
  );

export const throttled = (): ApiError => new ApiError('ThrottlingException', 'Rate exceeded');

/** Reasons for which a job fails that are not its own. */
export const INTERNAL_ERROR = 'InternalServerError: We encountered an internal error. Please try again.';
export const CAPACITY_ERROR =
  'CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type.';

/** Whether a job that failed for this reason may succeed when it is tried again. */
export const isRetryable = (failureReason: string): boolean =>
  /^(InternalServerError|CapacityError):/.test(failureReason);

export const unknownTuningJob = (): ApiError => new ApiError('ResourceNotFound', UNKNOWN_RESOURCE);

export const tuningNameTaken = (arn: string): ApiError =>
  new ApiError(
    'ResourceInUse',
    `Hyperparameter tuning job names must be unique within an AWS account and region, and a hyperparameter tuning job with this name already exists (${arn})`,
  );
