import { allowedHosts } from '#blobs';
import { openWebhooks } from '#registry';
import type { Webhooks } from '#registry';
import type { DataPlanes } from '#release';

/** Webhooks that may tell this machine. */
export function openTestWebhooks(deps: Omit<Parameters<typeof openWebhooks>[0], 'key' | 'hosts' | 'report'>): Promise<Webhooks> {
  return openWebhooks({
    ...deps,
    key: new Uint8Array(32),
    hosts: allowedHosts('127.0.0.1', 'GYRE_WEBHOOK_HOSTS'),
    report: (message) => {
      throw new Error(message);
    },
  });
}

/** Data planes run as processes of their own; here they only say that they serve. */
export function playedPlanes(): DataPlanes {
  const addresses = new Map<string, string>();
  return {
    apply: async ({ manifest }) => {
      addresses.set(manifest.environment, 'http://127.0.0.1:9');
      return { address: 'http://127.0.0.1:9' };
    },
    address: (name) => addresses.get(name),
  };
}
