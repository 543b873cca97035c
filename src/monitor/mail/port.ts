import type { Actor, EventTypes, Identity, Mail, MailAddress, MailTopic } from '#contract';
import type { Clock } from '#core';
import type { Events } from '#events';
import type { Store } from '#store';

/** The server that takes messages. No other host is ever connected to. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** `starttls`: refused where the server does not offer it; `implicit`: TLS from the first byte; `none`: in the clear. */
  readonly tls: 'starttls' | 'implicit' | 'none';
  readonly from: string;
  readonly user?: string;
  readonly password?: string;
  /** Certificates of its authority (PEM). Default: those that Node trusts. */
  readonly ca?: string;
}

export interface MailDeps {
  readonly store: Store;
  readonly events: Events<EventTypes>;
  readonly clock: Clock;
  /** Undefined: nobody is told by e-mail. */
  readonly server?: SmtpServer;
  /** The address of the pages, as people reach them; empty: messages have no links. */
  readonly links: string;
  readonly people: () => Promise<readonly Identity[]>;
  readonly mayRead: (identity: string, modelVersion: string) => Promise<boolean>;
  /** How a model version is called. */
  readonly titleOf: (modelVersion: string) => Promise<string>;
  /** Says what the room cannot do in the background. */
  readonly report: (message: string) => void;
}

export interface AddressChange {
  readonly identity: string;
  readonly address: string;
  /** Default: all. */
  readonly topics?: readonly MailTopic[];
  readonly by: Actor;
}

/** People are told by e-mail of what waits for them. */
export interface Mails extends AsyncDisposable {
  /** @param identity by its id */
  address(identity: Pick<Identity, 'id' | 'name'>): Promise<MailAddress>;
  setAddress(change: AddressChange): Promise<void>;
  /** With it goes what is still on its way to it. Fine where there is none. */
  removeAddress(request: { readonly identity: string; readonly by: Actor }): Promise<void>;
  /** Messages of the last 30 days, the newest first. */
  list(): Promise<readonly Mail[]>;
  /** Sends what is due now. @returns how many messages were tried */
  sendDue(): Promise<number>;
  /** Resolves when all that happened until now is on its way. */
  caughtUp(): Promise<void>;
}
