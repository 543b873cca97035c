import { allowedHosts } from '#blobs';
import { openWebhooks } from '#registry';
import type { Webhooks } from '#registry';

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
