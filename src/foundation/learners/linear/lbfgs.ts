/** Value and gradient of a smooth function; writes the gradient into its second argument. */
export type Objective = (at: Float64Array, gradient: Float64Array) => number;

export interface Minimum {
  readonly at: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** Whether the largest gradient entry fell to the tolerance. */
  readonly converged: boolean;
}

export interface MinimizeOptions {
  readonly maxIterations: number;
  /** On the largest absolute entry of the gradient. */
  readonly tolerance: number;
  /** Pairs of steps and gradient changes remembered. */
  readonly memory?: number;
  /** Called after each iteration with the value reached. */
  readonly onIteration?: (iteration: number, value: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Minimises a smooth convex function by L-BFGS (Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5) with a line search for the
 * strong Wolfe conditions (algorithms 3.5 and 3.6). Sums run in index order: the same input gives the same bits.
 */
export function minimize(objective: Objective, start: Float64Array, options: MinimizeOptions): Minimum {
  const { maxIterations, tolerance, memory = 10 } = options;
  const size = start.length;
  let at: Float64Array = start.slice();
  let gradient: Float64Array = new Float64Array(size);
  let value = objective(at, gradient);
  const steps: Float64Array[] = [];
  const changes: Float64Array[] = [];
  let iterations = 0;
  while (iterations < maxIterations && maxAbs(gradient) > tolerance) {
    options.signal?.throwIfAborted();
    const direction = twoLoop(gradient, steps, changes);
    let slope = dot(gradient, direction);
    if (!(slope < 0)) {
      // Rounding has spoiled the curvature pairs: start again from steepest descent.
      steps.length = 0;
      changes.length = 0;
      for (let i = 0; i < size; i++) direction[i] = -gradient[i];
      slope = -dot(gradient, gradient);
    }
    const first = steps.length === 0 ? Math.min(1, 1 / Math.sqrt(-slope)) : 1;
    const found = wolfeSearch(objective, at, value, direction, slope, first);
    if (found === undefined) break;
    const step = new Float64Array(size);
    const change = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      step[i] = found.at[i] - at[i];
      change[i] = found.gradient[i] - gradient[i];
    }
    if (dot(step, change) > 1e-300) {
      steps.push(step);
      changes.push(change);
      if (steps.length > memory) {
        steps.shift();
        changes.shift();
      }
    }
    ({ at, value, gradient } = found);
    iterations++;
    options.onIteration?.(iterations, value);
  }
  return { at, value, iterations, converged: maxAbs(gradient) <= tolerance };
}

function twoLoop(gradient: Float64Array, steps: readonly Float64Array[], changes: readonly Float64Array[]): Float64Array {
  const direction = gradient.map((entry) => -entry);
  const factors: number[] = [];
  for (let k = steps.length - 1; k >= 0; k--) {
    const factor = dot(steps[k], direction) / dot(steps[k], changes[k]);
    factors[k] = factor;
    addScaled(direction, -factor, changes[k]);
  }
  if (steps.length > 0) {
    const last = steps.length - 1;
    const scale = dot(steps[last], changes[last]) / dot(changes[last], changes[last]);
    for (let i = 0; i < direction.length; i++) direction[i] *= scale;
  }
  for (let k = 0; k < steps.length; k++) {
    const factor = factors[k] - dot(changes[k], direction) / dot(steps[k], changes[k]);
    addScaled(direction, factor, steps[k]);
  }
  return direction;
}

interface Point {
  readonly step: number;
  readonly at: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
  readonly slope: number;
}

const sufficientDecrease = 1e-4;
const curvature = 0.9;

/** undefined when no step improves the value any more: the limit of float64 is reached. */
function wolfeSearch(objective: Objective, from: Float64Array, value0: number, direction: Float64Array, slope0: number, first: number) {
  const probe = (step: number): Point => {
    const at = from.slice();
    addScaled(at, step, direction);
    const gradient = new Float64Array(from.length);
    const value = objective(at, gradient);
    return { step, at, value, gradient, slope: dot(gradient, direction) };
  };
  const tooHigh = (point: Point): boolean => !(point.value <= value0 + sufficientDecrease * point.step * slope0);
  const flat = (point: Point): boolean => Math.abs(point.slope) <= -curvature * slope0;
  const zoom = (start: Point, end: Point): Point | undefined => {
    let low = start;
    let high = end;
    for (let i = 0; i < 40; i++) {
      const middle = probe(interpolate(low, high));
      if (tooHigh(middle) || middle.value >= low.value) high = middle;
      else {
        if (flat(middle)) return middle;
        if (middle.slope * (high.step - low.step) >= 0) high = low;
        low = middle;
      }
      if (Math.abs(high.step - low.step) < 1e-14 * Math.max(1, low.step)) break;
    }
    return low.value < value0 ? low : undefined;
  };
  let previous: Point = { step: 0, at: from.slice(), value: value0, gradient: new Float64Array(from.length), slope: slope0 };
  let step = first;
  for (let i = 0; i < 30; i++) {
    const point = probe(step);
    if (tooHigh(point) || (i > 0 && point.value >= previous.value)) return zoom(previous, point);
    if (flat(point)) return point;
    if (point.slope >= 0) return zoom(point, previous);
    previous = point;
    step *= 2;
  }
  return previous;
}

/** The minimum of the parabola through value and slope at `low` and value at `high`, kept away from both ends. */
function interpolate(low: Point, high: Point): number {
  const width = high.step - low.step;
  const bend = high.value - low.value - low.slope * width;
  const part = bend > 0 ? (-low.slope * width) / (2 * bend) : 0.5;
  return low.step + width * (part >= 0.1 && part <= 0.9 ? part : 0.5);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function addScaled(target: Float64Array, factor: number, source: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += factor * source[i];
}

function maxAbs(values: Float64Array): number {
  let greatest = 0;
  for (const value of values) greatest = Math.max(greatest, Math.abs(value));
  return greatest;
}
