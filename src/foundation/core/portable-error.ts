import { GyreError, isGyreError, messageOf } from './errors.ts';
import type { ErrorCode, ErrorDetails } from './errors.ts';

/** An error as it crosses to another thread: a structured clone of one loses its class, code and details. */
export interface PortableError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** @param other the code of what is no GyreError */
export function toPortable(error: unknown, other: ErrorCode = 'INTERNAL'): PortableError {
  if (isGyreError(error)) return { code: error.code, message: error.message, details: error.details };
  return { code: other, message: messageOf(error), details: {} };
}

export function fromPortable({ code, message, details }: PortableError): GyreError {
  return new GyreError(code, message, details);
}
