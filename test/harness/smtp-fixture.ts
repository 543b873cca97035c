/** A server that takes e-mail. */
export { openSmtpStand, type SmtpStand } from '../../src/monitor/mail/testing.ts';
