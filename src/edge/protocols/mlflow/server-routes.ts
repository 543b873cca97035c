import { jsonAnswer } from './exchange.ts';
import type { MlflowOptions, MlflowRoute } from './port.ts';

/** What clients ask the server about itself. `/health` and `/version` are the platform's own. */
export function serverRoutes({ version }: MlflowOptions): readonly MlflowRoute[] {
  return [
    {
      method: 'GET',
      path: '/3.0/mlflow/server-info',
      // Clients ask before they authenticate, to learn how to send artifacts.
      permission: 'public',
      handle: async () =>
        jsonAnswer({
          store_type: 'SqlStore',
          workspaces_enabled: false,
          trace_archival_enabled: false,
          multipart_uploads_enabled: true,
          // Loading a file in parts would ask for an address of another storage first.
          multipart_downloads_enabled: false,
          gyre_version: version,
        }),
    },
  ];
}
