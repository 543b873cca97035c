import { GyreError } from '#core';

type Bag = Readonly<Record<string, unknown>>;

/** Steps hand each other plain JSON; here it gets its types back. All throw GyreError INTERNAL when a step broke its word. */
export function text(bag: Bag, name: string): string {
  const value = bag[name];
  if (typeof value === 'string') return value;
  throw new GyreError('INTERNAL', `a step was given no text "${name}" (it has ${Object.keys(bag).join(', ')})`);
}

export function optionalText(bag: Bag, name: string): string | undefined {
  return bag[name] === undefined ? undefined : text(bag, name);
}

export function count(bag: Bag, name: string): number {
  const value = bag[name];
  if (typeof value === 'number') return value;
  throw new GyreError('INTERNAL', `a step was given no number "${name}" (it has ${Object.keys(bag).join(', ')})`);
}

export function texts(bag: Bag, name: string): Readonly<Record<string, string>> {
  const value = bag[name];
  if (typeof value !== 'object' || value === null) throw new GyreError('INTERNAL', `a step was given no table "${name}"`);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, String(item)]));
}
