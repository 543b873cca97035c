import type { Route } from '../../route.ts';
import { comparisonRoutes } from './comparison.ts';
import { fileSetRoutes } from './files.ts';
import { imageRoutes } from './images.ts';
import { ingestRoutes } from './ingest.ts';
import { lfsRepositoryRoutes } from './lfs.ts';
import { qualityRoutes } from './quality.ts';
import { rowsRoutes } from './rows.ts';
import { rowsFileRoutes } from './rows-file.ts';
import { schemaRoutes } from './schemas.ts';
import { splitRoutes } from './splits.ts';
import { sqlRoutes } from './sql.ts';
import { summaryRoutes } from './summaries.ts';
import { versionRoutes } from './versions.ts';

/** Dataset versions, over HTTP. */
export const dataRoutes: readonly Route[] = [
  ...summaryRoutes,
  ...versionRoutes,
  ...comparisonRoutes,
  ...ingestRoutes,
  ...imageRoutes,
  ...fileSetRoutes,
  ...qualityRoutes,
  ...schemaRoutes,
  ...rowsRoutes,
  ...rowsFileRoutes,
  ...sqlRoutes,
  ...splitRoutes,
  ...lfsRepositoryRoutes,
];
