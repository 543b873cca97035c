/** What the MLflow of the Python peers knows of its protocol. */
import type { ProtocolRoute } from '#mlflow';
import { runPython } from './python.ts';

/** Every route that the installed MLflow knows. */
export async function knownRoutes(): Promise<readonly ProtocolRoute[]> {
  const rows = await runPython<readonly (readonly [ProtocolRoute['method'], string, string, string])[]>('mlflow_routes_peer.py', {});
  return rows.map(([method, path, name, since]) => ({ method, path, name, since }));
}
