import type { BlobHolder } from '#blobs';
import { dataBlobHolders } from '#data';
import { evaluationBlobHolders } from '#evaluation';
import { featuresBlobHolders } from '#features';
import { fleetBlobHolders } from '#fleet';
import { monitoringBlobHolders } from '#monitoring';
import { pipelinesBlobHolders } from '#pipelines';
import { projectBlobHolders } from '#project';
import { registryBlobHolders } from '#registry';
import { releaseBlobHolders } from '#release';
import { trainingBlobHolders } from '#training';
import { triggersBlobHolders } from '#triggers';

/** Everything that keeps a blob. What only tells of the past, events and the audit log, keeps none. */
export const blobHolders: readonly BlobHolder[] = [
  ...projectBlobHolders,
  ...pipelinesBlobHolders,
  ...dataBlobHolders,
  ...featuresBlobHolders,
  ...trainingBlobHolders,
  ...evaluationBlobHolders,
  ...registryBlobHolders,
  ...releaseBlobHolders,
  ...fleetBlobHolders,
  ...monitoringBlobHolders,
  ...triggersBlobHolders,
];
