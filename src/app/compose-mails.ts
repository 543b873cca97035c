import type { Access } from '#access';
import { type Mails, openMails } from '#mail';
import type { MailDeps } from '#mail';
import type { Registry } from '#registry';
import type { Logger } from '#telemetry';
import type { PlatformSettings } from './settings.ts';
import { smtpServerOf } from './smtp-settings.ts';

interface MailingRooms extends Pick<MailDeps, 'store' | 'events' | 'clock'> {
  readonly access: Access;
  readonly registry: Registry;
  readonly values: PlatformSettings;
  readonly log: Logger;
}

/** E-mail to people who are waited for, by the server of the settings; without one none leaves. */
export async function openPlatformMails({ store, events, clock, access, registry, values, log }: MailingRooms): Promise<Mails> {
  const server = smtpServerOf(values, process.env);
  return openMails({
    store,
    events,
    clock,
    ...(server === undefined ? {} : { server }),
    links: values.mailLinks,
    people: () => access.listIdentities(),
    mayRead: async (identity, modelVersion) => {
      const rights = await access.grants.rightsOfIdentity(identity);
      return rights.may('read', 'registered_model', (await registry.getById(modelVersion)).model);
    },
    titleOf: async (id) => {
      const { model, version } = await registry.getById(id);
      return `${model} version ${version}`;
    },
    report: (message) => log.warn(message),
  });
}
