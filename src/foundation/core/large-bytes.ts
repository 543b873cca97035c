/*
 * Memory outside of V8's heap is freed when a collection finds its array unused, and a process that takes in megabytes that way has its whole
 * heap marked again and again (a quarter of the processor, where pictures of 100 kB came 700 times a second). Who knows that large bytes
 * are of no more use gives them back at once.
 */

/** Below this an array is left to the collector: finding out that it is unused costs it less than asking for each. */
export const largeBytes = 16 * 1024;

/**
 * Frees the memory of an array, and of all others that show parts of the same buffer: all of them are empty afterwards, so that what is still
 * read by mistake reads nothing. Not for memory that native code may still be reading or writing (a write under way).
 */
export function giveBack({ buffer }: ArrayBufferView): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= largeBytes && !buffer.detached) buffer.transfer(0);
}

/** Whether an array shows all of its buffer, so that no other can show what this one does not. */
export function isAllOf({ buffer, byteLength }: ArrayBufferView): boolean {
  return buffer.byteLength === byteLength;
}

/** A buffer of its own for so many bytes, to be filled by its caller: what is in it before is anything. */
export function unfilledBuffer(byteLength: number): ArrayBuffer {
  if (byteLength < largeBytes) return new ArrayBuffer(byteLength);
  const { buffer } = Buffer.allocUnsafeSlow(byteLength);
  return buffer;
}
