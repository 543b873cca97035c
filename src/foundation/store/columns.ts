/**
 * Writes a bare string, number, boolean or null into a JSON column (objects and arrays need no wrapping).
 * The result has the value's type so that it fits the table's interface; it is only ever handed to a query.
 */
export function jsonValue<T>(value: T): T {
  // The one place where a parameter is not what its type says: the driver serialises any object with JSON.stringify.
  return { toJSON: () => value } as T;
}
