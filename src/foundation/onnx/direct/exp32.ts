/** 2^(i / 32), rounded to float64. */
const powers = Float64Array.of(
  1.0, 1.0218971486541166, 1.0442737824274138, 1.0671404006768237, 1.0905077326652577, 1.1143867425958924, 1.1387886347566916, 1.1637248587775775,
  1.189207115002721, 1.215247359980469, 1.241857812073484, 1.2690509571917332, 1.2968395546510096, 1.3252366431597413, 1.3542555469368927,
  1.383909881963832, 1.4142135623730951, 1.4451808069770467, 1.4768261459394993, 1.5091644275934228, 1.5422108254079407, 1.5759808451078865,
  1.6104903319492543, 1.645755478153965, 1.681792830507429, 1.718619298122478, 1.7562521603732995, 1.7947090750031072, 1.8340080864093424,
  1.8741676341103, 1.9152065613971474, 1.9571441241754002,
); // prettier-ignore
const perPower = 32;
const log2e = 1.4426950408889634 * perPower;
/** Added to a float64 and taken away again, it leaves the nearest whole number. */
const toWhole = 1.5 * 2 ** 52;
/** Of 2^(r / 32) - 1, for r within half. */
const cubic = 0.05550361559341535 / perPower ** 3;
const square = 0.2402284522445722 / perPower ** 2;
const linear = 0.6931471806916203 / perPower;

/** The only float32 number from -105 to 0 whose power rounds otherwise where glibc was compiled for processors with FMA. */
const odd = { x: -63.09946060180664, fused: 3.946866735154823e-28 };

/**
 * e to the power of a float32 number of at most 0, as `expf` of glibc (since 2.28) rounds it: by a table and a polynomial in float64
 * (S. Nagy, "Single precision exp", ARM Optimized Routines). Compared with it for every float32 number from -105 to 0: all are the same.
 */
export function exp32(x: number, isFused: boolean): number {
  if (!(x >= -104)) return Number.isNaN(x) ? x : 0;
  if (isFused && x === odd.x) return odd.fused;
  const scaled = log2e * x;
  const whole = scaled + toWhole - toWhole;
  const rest = scaled - whole;
  const power = powers[whole & (perPower - 1)] * 2 ** (whole >> 5);
  const upper = cubic * rest + square;
  const polynomial = upper * (rest * rest) + (linear * rest + 1);
  return Math.fround(polynomial * power);
}
