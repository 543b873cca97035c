/**
 * Solves A x = b for a symmetric, positive semi-definite A: by Cholesky's decomposition, or through the eigenvectors (least norm) where A is
 * singular. @param matrix [size][size], flat; not changed
 */
export function solveSymmetric(matrix: Float64Array, right: Float64Array): Float64Array {
  return cholesky(matrix, right) ?? throughEigenvectors(matrix, right);
}

function cholesky(matrix: Float64Array, right: Float64Array): Float64Array | undefined {
  const size = right.length;
  const lower = matrix.slice();
  for (let j = 0; j < size; j++) {
    for (let k = 0; k < j; k++) {
      const factor = lower[j * size + k];
      for (let i = j; i < size; i++) lower[i * size + j] -= lower[i * size + k] * factor;
    }
    const pivot = lower[j * size + j];
    // What is left of a dependent column is rounding, relative to what it started from.
    if (!(pivot > 1e-10 * matrix[j * size + j])) return undefined;
    const root = Math.sqrt(pivot);
    for (let i = j; i < size; i++) lower[i * size + j] /= root;
  }
  const solution = right.slice();
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) solution[i] -= lower[i * size + k] * solution[k];
    solution[i] /= lower[i * size + i];
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) solution[i] -= lower[k * size + i] * solution[k];
    solution[i] /= lower[i * size + i];
  }
  return solution;
}

function throughEigenvectors(matrix: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  const { values, vectors } = symmetricEigen(matrix, size);
  const solution = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    if (!(values[k] > 1e-10 * values[0])) break;
    let part = 0;
    for (let i = 0; i < size; i++) part += vectors[k * size + i] * right[i];
    for (let i = 0; i < size; i++) solution[i] += (part / values[k]) * vectors[k * size + i];
  }
  return solution;
}

/**
 * Eigenvalues (falling) and unit eigenvectors (row k of `vectors`) of a symmetric matrix by Jacobi's cyclic rotations (Golub and Van Loan,
 * section 8.5). The sign of each vector makes its entry of greatest size positive.
 * @param matrix [size][size], flat; not changed
 */
export function symmetricEigen(matrix: Float64Array, size: number): { readonly values: Float64Array; readonly vectors: Float64Array } {
  const a = matrix.slice();
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  let scale = 0;
  for (const entry of a) scale += entry * entry;
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) off += a[p * size + q] ** 2;
    if (off <= 1e-32 * scale) break;
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) if (a[p * size + q] !== 0) rotate(a, vectors, size, p, q);
  }
  const order = Array.from({ length: size }, (_, i) => i).sort((i, j) => a[j * size + j] - a[i * size + i] || i - j);
  const sortedVectors = new Float64Array(size * size);
  order.forEach((from, k) => {
    const vector = vectors.subarray(from * size, from * size + size);
    let largest = 0;
    for (let i = 1; i < size; i++) if (Math.abs(vector[i]) > Math.abs(vector[largest]) * (1 + 1e-9)) largest = i;
    const sign = vector[largest] < 0 ? -1 : 1;
    for (let i = 0; i < size; i++) sortedVectors[k * size + i] = sign * vector[i];
  });
  return { values: Float64Array.from(order, (i) => a[i * size + i]), vectors: sortedVectors };
}

/** Zeroes the entry (p, q); `vectors` holds the eigenvectors as rows. */
function rotate(a: Float64Array, vectors: Float64Array, size: number, p: number, q: number): void {
  const theta = (a[q * size + q] - a[p * size + p]) / (2 * a[p * size + q]);
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < size; k++) {
    const kp = a[k * size + p];
    const kq = a[k * size + q];
    a[k * size + p] = c * kp - s * kq;
    a[k * size + q] = s * kp + c * kq;
  }
  for (let k = 0; k < size; k++) {
    const pk = a[p * size + k];
    const qk = a[q * size + k];
    a[p * size + k] = c * pk - s * qk;
    a[q * size + k] = s * pk + c * qk;
    const vp = vectors[p * size + k];
    const vq = vectors[q * size + k];
    vectors[p * size + k] = c * vp - s * vq;
    vectors[q * size + k] = s * vp + c * vq;
  }
}
