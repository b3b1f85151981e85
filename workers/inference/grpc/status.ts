import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import type { ErrorCode, MeridianError } from '../../../contracts/errors';

const STATUS: Partial<Record<ErrorCode, status>> = {
  InvalidInput: status.INVALID_ARGUMENT,
  InvalidFeatures: status.INVALID_ARGUMENT,
  UnknownModel: status.NOT_FOUND,
  UnknownEntity: status.NOT_FOUND,
  EntityOptedOut: status.PERMISSION_DENIED,
  ModelNotReady: status.FAILED_PRECONDITION,
  Overloaded: status.RESOURCE_EXHAUSTED,
  DependencyUnavailable: status.UNAVAILABLE,
  DeadlineExceeded: status.DEADLINE_EXCEEDED,
};

/** Peers refuse heads of more than some kilobytes. */
const MAX_MESSAGE = 1000;

/** A typed error as gRPC tells one; its code and the request's ID are in the metadata. */
export function toServiceError({ code, message }: MeridianError, requestId: string): ServiceError {
  const details = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
  const metadata = new Metadata();
  metadata.set('meridian-error-code', code);
  metadata.set('x-request-id', requestId);
  return Object.assign(new Error(details), {
    code: STATUS[code] ?? status.INTERNAL,
    details,
    metadata,
  });
}
