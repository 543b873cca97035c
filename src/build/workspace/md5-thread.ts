// Where the thread of an `Md5Lane` starts.
import { createHash } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { fields, marks, slotBytes, slots } from './md5-pieces.ts';
import type { Md5Pieces } from './md5-pieces.ts';

// The lane that starts this thread hands this in.
const { control, bytes, digest } = workerData as Md5Pieces;

let hash = createHash('md5');
for (let taken = 0; ; taken++) {
  while (Atomics.load(control, fields.given) === taken) Atomics.wait(control, fields.given, taken);
  const slot = taken % slots;
  const length = Atomics.load(control, fields.lengths + slot);
  if (length >= 0) hash.update(bytes.subarray(slot * slotBytes, slot * slotBytes + length));
  else {
    if (length === marks.end) digest.set(hash.digest());
    hash = createHash('md5');
  }
  Atomics.store(control, fields.taken, taken + 1);
  Atomics.notify(control, fields.taken);
}
