import type { Random } from '#core';

/**
 * Clusters rows around their means: k-means++ (Arthur and Vassilvitskii 2007), then Lloyd's iterations until nothing moves, at most 50.
 * @param values [rows][columns], flat, all finite; @param clusters at most this many
 * @returns for each row its cluster; some clusters may be empty
 */
export function kMeans(values: Float64Array, rows: number, columns: number, clusters: number, random: Random): Int32Array {
  const count = Math.min(clusters, rows);
  const centers = firstCenters(values, rows, columns, count, random);
  const clusterOf = new Int32Array(rows).fill(-1);
  for (let iteration = 0; iteration < 50; iteration++) {
    let moved = false;
    for (let row = 0; row < rows; row++) {
      let nearest = 0;
      let least = Infinity;
      for (let k = 0; k < count; k++) {
        const distance = distanceOf(values, row * columns, centers, k * columns, columns);
        if (distance < least) [nearest, least] = [k, distance];
      }
      moved ||= clusterOf[row] !== nearest;
      clusterOf[row] = nearest;
    }
    if (!moved) break;
    const sizes = new Float64Array(count);
    const sums = new Float64Array(count * columns);
    for (let row = 0; row < rows; row++) {
      sizes[clusterOf[row]] += 1;
      for (let c = 0; c < columns; c++) sums[clusterOf[row] * columns + c] += values[row * columns + c];
    }
    // An empty cluster stays where it is.
    for (let k = 0; k < count; k++)
      if (sizes[k] > 0) for (let c = 0; c < columns; c++) centers[k * columns + c] = sums[k * columns + c] / sizes[k];
  }
  return clusterOf;
}

function firstCenters(values: Float64Array, rows: number, columns: number, count: number, random: Random): Float64Array {
  const centers = new Float64Array(count * columns);
  const distances = new Float64Array(rows).fill(Infinity);
  let chosen = random.int(rows);
  for (let k = 0; k < count; k++) {
    centers.set(values.subarray(chosen * columns, (chosen + 1) * columns), k * columns);
    let total = 0;
    for (let row = 0; row < rows; row++) {
      distances[row] = Math.min(distances[row], distanceOf(values, row * columns, centers, k * columns, columns));
      total += distances[row];
    }
    let left = random.next() * total;
    chosen = distances.findIndex((distance) => (left -= distance) < 0);
    if (chosen < 0) chosen = random.int(rows);
  }
  return centers;
}

function distanceOf(left: Float64Array, from: number, right: Float64Array, to: number, columns: number): number {
  let sum = 0;
  for (let c = 0; c < columns; c++) sum += (left[from + c] - right[to + c]) ** 2;
  return sum;
}
