export { openMails } from './mails.ts';
export { mailMigrations } from './migrations/index.ts';
export type { MailDeps, Mails, SmtpServer } from './port.ts';
