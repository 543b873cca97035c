/** A certificate of its own for this machine, as the API's own tests make it. */
export { selfSigned } from '../../src/edge/api/testing-certificate.ts';
