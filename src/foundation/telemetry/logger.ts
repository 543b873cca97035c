import { pino, stdTimeFunctions } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { Clock } from '#core';

export type { Logger };
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Where lines go: anything with `write(line)`, such as `process.stderr`. */
  readonly destination: DestinationStream;
  /** On every line: role, version, … */
  readonly bindings?: Readonly<Record<string, unknown>>;
  readonly clock?: Clock;
}

/** Names whose values never reach a log, at the top of an entry and one or two levels below. */
const secretNames = ['authorization', 'cookie', '["set-cookie"]', 'token', 'accessToken', 'refreshToken', 'password', 'secret', 'apiKey'];

/** A JSON-lines logger. Values of tokens, passwords, cookies and authorization headers are replaced by `[redacted]`. */
export function createLogger(options: LoggerOptions): Logger {
  const { clock } = options;
  return pino(
    {
      level: options.level,
      base: { ...options.bindings },
      timestamp: clock === undefined ? stdTimeFunctions.isoTime : () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretPaths(), censor: '[redacted]' },
      serializers: { err: serializeError, error: serializeError },
    },
    options.destination,
  );
}

function secretPaths(): string[] {
  return secretNames.flatMap((name) => {
    const below = name.startsWith('[') ? name : `.${name}`;
    return [name, `*${below}`, `*.*${below}`];
  });
}

/** An error as message, code, stack and causes; `details` are kept, they hold no row values. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return {
    type: error.name,
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    ...('details' in error ? { details: error.details } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
  };
}
