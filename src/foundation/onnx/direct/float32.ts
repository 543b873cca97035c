/** The greatest float32 that is less than a float32; -Infinity itself, below which there is none. */
export function below32(value: number): number {
  if (value === 0) return -1.401298464324817e-45;
  if (Number.isNaN(value) || value === -Infinity) return value;
  const single = Float32Array.of(value);
  const bits = new Int32Array(single.buffer);
  // IEEE 754 numbers of one sign are ordered as their bits are, by size.
  bits[0] += value > 0 ? -1 : 1;
  return single[0];
}

const greatest = (2 - 2 ** -23) * 2 ** 127;
/** The least number that is rounded to infinity. */
const overflow = 2 ** 128 - 2 ** 103;

/** `a * b + c` of float32 numbers, rounded to float32 after the product and after the sum. */
export function twiceRounded(a: number, b: number, c: number): number {
  return Math.fround(Math.fround(a * b) + c);
}

/**
 * `a * b + c` of float32 numbers, rounded to float32 once (IEEE 754-2019, 5.4.1 fusedMultiplyAdd).
 * The product is exact in float64 (24 + 24 bits). Rounding the sum to float64 first can only mislead where that falls in the middle of two
 * float32 numbers; there, what the first rounding took away decides (S. Boldo, G. Melquiond, "Emulation of FMA and correctly rounded sums",
 * IEEE Transactions on Computers 57 (4), 2008).
 */
export function fused(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  const near = Math.fround(sum);
  const off = sum - near;
  // Beyond the greatest float32 number everything is infinite; the middle between it and that has it on its other side.
  const far = Math.abs(sum) === overflow ? Math.sign(sum) * greatest : sum + off;
  if (off === 0 || !Number.isFinite(far) || Math.fround(far) !== far) return near;
  // Knuth's TwoSum: the error of the sum.
  const part = sum - product;
  const error = product - (sum - part) + (c - part);
  if (error === 0) return near;
  return error > 0 === far > near ? far : near;
}
