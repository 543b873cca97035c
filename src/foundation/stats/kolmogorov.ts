import { logGamma } from './special.ts';

/**
 * P(D_n >= d) of the one-sample two-sided Kolmogorov statistic for a finite n, by the plan of Simard and L'Ecuyer (2011), which scipy's
 * `kstwo` follows: the Durbin matrix of Marsaglia, Tsang and Wang (2003) where it is cheap, twice the one-sided law in the upper tail,
 * and the expansion of Pelz and Good (1976) between them. The limiting law alone is off by up to 1e-3 at n = 100.
 * @param n sample size, a positive integer
 */
export function kolmogorovSurvival(d: number, n: number): number {
  if (d >= 1) return 0;
  if (d <= 0.5 / n) return 1;
  const scaled = n * d * d;
  if (scaled >= 370) return 0;
  if (scaled >= (n <= 140 ? 4 : 2.2)) return Math.min(1, 2 * smirnovSurvival(d, n));
  const cdf = n <= 140 || (n <= 100_000 && n * d ** 1.5 <= 1.4) ? durbinMatrix(d, n) : pelzGood(d, n);
  return Math.min(1, Math.max(0, 1 - cdf));
}

/**
 * The d with P(D_n >= d) = tail, to a relative 1e-9: by interpolation, truncation and projection (Oliveira and Takahashi 2020) of the tail's
 * logarithm, which takes a quarter of the steps of bisection and never more than three beyond them. A step costs a power of a matrix.
 */
export function kolmogorovCritical(tail: number, n: number): number {
  const excess = (d: number): number => Math.log(kolmogorovSurvival(d, n) / tail);
  let low = 0;
  let high = 1;
  // The limiting law is close to it.
  const near = Math.sqrt(-Math.log(tail / 2) / (2 * n));
  for (const d of [0.8 * near, 1.05 * near]) {
    if (!(d > low && d < high)) continue;
    if (excess(d) > 0) low = d;
    else high = d;
  }
  let aboveLow = excess(low);
  let belowHigh = excess(high);
  const width = high - low;
  const tolerance = 5e-10 * high;
  const most = Math.ceil(Math.log2(width / (2 * tolerance))) + 1;
  for (let i = 0; high - low > 2 * tolerance && i < 60; i++) {
    const middle = (low + high) / 2;
    const interpolated = Number.isFinite(belowHigh) ? (aboveLow * high - belowHigh * low) / (aboveLow - belowHigh) : middle;
    const side = Math.sign(middle - interpolated);
    const truncation = (0.2 / width) * (high - low) ** 2;
    const truncated = truncation <= Math.abs(middle - interpolated) ? interpolated + side * truncation : middle;
    const reach = tolerance * 2 ** (most - i) - (high - low) / 2;
    const d = Math.abs(truncated - middle) <= reach ? truncated : middle - side * reach;
    const value = excess(d);
    if (value > 0) {
      low = d;
      aboveLow = value;
    } else {
      high = d;
      belowHigh = value;
    }
  }
  return (low + high) / 2;
}

/** One-sided exact tail: Birnbaum and Tingey's sum (1951), its terms in logarithms; above 100,000 Maag's expansion, whose error is then below 2e-7. */
function smirnovSurvival(d: number, n: number): number {
  if (n > 100_000) return Math.exp(-((6 * n * d + 1) ** 2) / (18 * n));
  const logFactorialN = logGamma(n + 1);
  let sum = 0;
  for (let j = 0; j <= Math.floor(n * (1 - d)); j++) {
    const rest = 1 - d - j / n;
    if (rest <= 0) continue;
    const logTerm = logFactorialN - logGamma(j + 1) - logGamma(n - j + 1) + (n - j) * Math.log(rest) + (j - 1) * Math.log(d + j / n);
    sum += Math.exp(logTerm);
  }
  return d * sum;
}

function durbinMatrix(d: number, n: number): number {
  const k = Math.floor(n * d) + 1;
  const size = 2 * k - 1;
  const h = k - n * d;
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) matrix[i * size + j] = i - j + 1 < 0 ? 0 : 1;
  for (let i = 0; i < size; i++) {
    matrix[i * size] -= h ** (i + 1);
    matrix[(size - 1) * size + i] -= h ** (size - i);
  }
  if (2 * h - 1 > 0) matrix[(size - 1) * size] += (2 * h - 1) ** size;
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) for (let g = 1; g <= i - j + 1; g++) matrix[i * size + j] /= g;
  const power = matrixPower(matrix, size, n);
  let value = power.matrix[(k - 1) * size + k - 1];
  let exponent = power.exponent;
  for (let i = 1; i <= n; i++) {
    value = (value * i) / n;
    if (value < 1e-140) {
      value *= 1e140;
      exponent -= 140;
    }
  }
  return value * 10 ** exponent;
}

/** The n-th power, with a decimal exponent kept apart so that nothing overflows. */
function matrixPower(base: Float64Array, size: number, n: number): { readonly matrix: Float64Array; readonly exponent: number } {
  let result: Float64Array | undefined;
  let resultExponent = 0;
  let square = base;
  let squareExponent = 0;
  const centre = (size >> 1) * size + (size >> 1);
  for (let bits = n; ;) {
    if (bits & 1) {
      result = result === undefined ? square.slice() : multiply(result, square, size);
      resultExponent += squareExponent;
      if (result[centre] > 1e140) {
        result = result.map((value) => value * 1e-140);
        resultExponent += 140;
      }
    }
    bits >>>= 1;
    if (bits === 0) return { matrix: result ?? square, exponent: resultExponent };
    square = multiply(square, square, size);
    squareExponent *= 2;
    if (square[centre] > 1e140) {
      square = square.map((value) => value * 1e-140);
      squareExponent += 140;
    }
  }
}

function multiply(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const product = new Float64Array(size * size);
  for (let i = 0; i < size; i++)
    for (let k = 0; k < size; k++) {
      const factor = a[i * size + k];
      if (factor === 0) continue;
      for (let j = 0; j < size; j++) product[i * size + j] += factor * b[k * size + j];
    }
  return product;
}

/** Kolmogorov's limit with Pelz and Good's corrections in n^-1/2, n^-1 and n^-3/2. */
function pelzGood(d: number, n: number): number {
  const z = Math.sqrt(n) * d;
  const z2 = z * z;
  const pi2 = Math.PI * Math.PI;
  const c = -pi2 / (2 * z2);
  let k0 = 0;
  let k1 = 0;
  let k2a = 0;
  let k2b = 0;
  let k3a = 0;
  let k3b = 0;
  for (let i = 20; i >= 0; i--) {
    const m2 = (2 * i + 1) ** 2 / 4;
    const p2 = pi2 * m2;
    const e = Math.exp(c * m2);
    k0 += e;
    k1 += (p2 - z2) * e;
    k2a += (6 * z2 ** 3 + 2 * z2 * z2 + p2 * (2 * z2 * z2 - 5 * z2) + p2 * p2 * (1 - 2 * z2)) * e;
    k3a +=
      (-30 * z2 ** 3 - 90 * z2 ** 4 + p2 * (135 * z2 * z2 - 96 * z2 ** 3) + p2 * p2 * (212 * z2 * z2 - 60 * z2) + p2 ** 3 * (5 - 30 * z2)) *
      e;
    if (i === 0) continue;
    const w2 = pi2 * i * i;
    const f = Math.exp(c * i * i);
    k2b += w2 * f;
    k3b += (3 * w2 * z2 - w2 * w2) * f;
  }
  const root = Math.sqrt(2 * Math.PI);
  const half = Math.sqrt(Math.PI / 2);
  return (
    (root / z) * k0 +
    ((half / (3 * z2 * z2)) * k1) / Math.sqrt(n) +
    ((half / (36 * z ** 7)) * k2a - (half / (18 * z ** 3)) * k2b) / n +
    ((half / (3240 * z ** 10)) * k3a + (half / (108 * z ** 6)) * k3b) / (n * Math.sqrt(n))
  );
}
