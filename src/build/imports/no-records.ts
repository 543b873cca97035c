/** What a source without records of a kind gives. */
export async function* noRecords(): AsyncGenerator<never> {
  await Promise.resolve();
  yield* [];
}
