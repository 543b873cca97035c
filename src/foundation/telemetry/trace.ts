import { GyreError } from '#core';
import type { RandomBytes } from '#core';

/** The W3C Trace Context of one request (https://www.w3.org/TR/trace-context/, version 00). */
export interface TraceContext {
  /** 32 hex digits, not all zero. */
  readonly traceId: string;
  /** 16 hex digits, not all zero: the span that is the parent of what comes next. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** @returns undefined for anything that is no valid header: the specification says to start a new trace then */
export function parseTraceparent(header: string | undefined): TraceContext | undefined {
  const match = form.exec(header?.trim() ?? '');
  if (match === null) return undefined;
  const [, version, traceId, spanId, flags, rest] = match;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-${context.sampled ? '01' : '00'}`;
}

/** A trace of its own, or the next span within a parent's. */
export function startTrace(randomBytes: RandomBytes, parent?: TraceContext): TraceContext {
  return {
    traceId: parent?.traceId ?? nonZeroHex(randomBytes, 16),
    spanId: nonZeroHex(randomBytes, 8),
    sampled: parent?.sampled ?? true,
  };
}

function nonZeroHex(randomBytes: RandomBytes, length: number): string {
  for (let tries = 0; tries < 8; tries++) {
    const bytes = randomBytes(length);
    if (bytes.some((byte) => byte !== 0)) return Buffer.from(bytes).toString('hex');
  }
  throw new GyreError('INTERNAL', 'the source of random bytes gives only zeros');
}
