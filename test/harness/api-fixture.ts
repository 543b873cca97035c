/** The API over real rooms, within the test's process. */
export { openBench } from '../../src/edge/api/testing.ts';
