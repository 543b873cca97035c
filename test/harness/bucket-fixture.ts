/** A bucket on the S3 server of the tests. */
export { s3Missing, testBucket } from '../../src/foundation/blobs/s3/testing.ts';
