import { datatypeOfElement } from '#contract';
import type { ServedModel } from '#serving';

/** An input or output as the graph declares it. */
type SessionValue = ServedModel['loaded']['inputs'][number];
export type ElementType = SessionValue['type'];

/** Datatypes of the Open Inference Protocol, in the order of its table. */
export const datatypes = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BYTES',
] as const;
export type Datatype = (typeof datatypes)[number];

interface DatatypeFacts {
  readonly element: ElementType;
  /** `integer`: bits beside the sign; `real`: bits of the significand. */
  readonly kind: 'boolean' | 'integer' | 'real' | 'text';
  readonly bits: number;
  readonly signed: boolean;
}

export const datatypeFacts: Readonly<Record<Datatype, DatatypeFacts>> = {
  BOOL: { element: 'BOOL', kind: 'boolean', bits: 1, signed: false },
  UINT8: { element: 'UINT8', kind: 'integer', bits: 8, signed: false },
  UINT16: { element: 'UINT16', kind: 'integer', bits: 16, signed: false },
  UINT32: { element: 'UINT32', kind: 'integer', bits: 32, signed: false },
  UINT64: { element: 'UINT64', kind: 'integer', bits: 64, signed: false },
  INT8: { element: 'INT8', kind: 'integer', bits: 7, signed: true },
  INT16: { element: 'INT16', kind: 'integer', bits: 15, signed: true },
  INT32: { element: 'INT32', kind: 'integer', bits: 31, signed: true },
  INT64: { element: 'INT64', kind: 'integer', bits: 63, signed: true },
  FP16: { element: 'FLOAT16', kind: 'real', bits: 11, signed: true },
  FP32: { element: 'FLOAT', kind: 'real', bits: 24, signed: true },
  FP64: { element: 'DOUBLE', kind: 'real', bits: 53, signed: true },
  BYTES: { element: 'STRING', kind: 'text', bits: 0, signed: false },
};

export const datatypeOf: Readonly<Record<ElementType, Datatype>> = datatypeOfElement;

export function isDatatype(value: unknown): value is Datatype {
  return (datatypes as readonly unknown[]).includes(value);
}

/**
 * Whether a model may be given another datatype than its own: every value of the sent one has an equal value of the wanted one.
 * 64-bit integers for FP64 are let through here; each of their values is checked.
 */
export function widens(sent: Datatype, wanted: Datatype): boolean {
  if (sent === wanted) return true;
  const from = datatypeFacts[sent];
  const to = datatypeFacts[wanted];
  if (from.kind === 'text' || to.kind === 'text' || to.kind === 'boolean') return false;
  if (to.kind === 'real') return from.bits <= to.bits || (wanted === 'FP64' && from.kind === 'integer');
  return from.kind !== 'real' && from.bits <= to.bits && (to.signed || !from.signed);
}

/** A declared shape as the protocol says it: -1 for an axis of any size. */
export function protocolShape(shape: SessionValue['shape']): number[] {
  return (shape ?? []).map((axis) => (typeof axis === 'number' ? axis : -1));
}
