import type { AllowedHosts } from '#blobs';
import type { Actor, EventTypes, Webhook, WebhookDelivery, WebhookTopic } from '#contract';
import type { Clock, NewId, RandomBytes } from '#core';
import type { Events } from '#events';
import type { Store } from '#store';

export interface WebhookDeps {
  readonly store: Store;
  readonly events: Events<EventTypes>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly randomBytes: RandomBytes;
  /** 32 bytes that the secrets of webhooks are sealed with. */
  readonly key: Uint8Array;
  /** Where messages may go; judged whenever one is sent, on the address that is then connected to. */
  readonly hosts: AllowedHosts;
  readonly report: (message: string) => void;
}

export interface NewWebhook {
  readonly name: string;
  readonly url: string;
  readonly topics: readonly WebhookTopic[];
  readonly description?: string;
  readonly secret?: string;
  readonly active?: boolean;
  readonly by: Actor;
}

export interface WebhookChange extends Partial<Omit<NewWebhook, 'by'>> {
  readonly id: string;
  readonly by: Actor;
}

/** What came of a trial. */
export interface WebhookTrial {
  readonly success: boolean;
  readonly status?: number;
  /** Its beginning. */
  readonly body?: string;
  readonly error?: string;
}

interface Page {
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** Webhooks: what happens in the registry is told to others by HTTP, as MLflow's server tells it. */
export interface Webhooks extends AsyncDisposable {
  create(request: NewWebhook): Promise<Webhook>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<Webhook>;
  /** Newest first. @throws GyreError INVALID_ARGUMENT for a token that is none */
  list(page: Page): Promise<{ readonly items: readonly Webhook[]; readonly next?: string }>;
  /** Changes what is given. @throws GyreError NOT_FOUND */
  update(change: WebhookChange): Promise<Webhook>;
  /** What is on its way to it is not sent any more. @throws GyreError NOT_FOUND */
  delete(request: { readonly id: string; readonly by: Actor }): Promise<void>;
  /** Sends an example at once, and only once. @param topic default: the webhook's first @throws GyreError NOT_FOUND */
  test(id: string, topic?: WebhookTopic): Promise<WebhookTrial>;
  /** What was sent to a webhook, or is on its way, newest first. @throws GyreError NOT_FOUND */
  deliveries(id: string, limit: number): Promise<readonly WebhookDelivery[]>;
  /** Sends what is due now, in the order in which it came due. @returns how many were tried */
  deliverDue(): Promise<number>;
  /** Resolves when what happened until now is on its way. */
  caughtUp(): Promise<void>;
}
