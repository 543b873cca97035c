import type { Letter } from './mail-store.ts';
import type { SmtpServer } from './port.ts';

const timeoutMs = 30_000;

export interface Refusal {
  readonly error: string;
  /** Whether it may go better later. */
  readonly passes: boolean;
}

/** Hands messages to an SMTP server (RFC 5321), over TLS unless its settings say otherwise. */
export interface SmtpClient {
  /** @param at milliseconds since 1970 @returns why it was not taken; nothing when it was */
  send(letter: Letter, to: string, at: number): Promise<Refusal | undefined>;
}

/** The client library is loaded here, so that platforms without e-mail do not load it. */
export async function smtpClient({ host, port, tls, from, user, password, ca }: SmtpServer): Promise<SmtpClient> {
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    ...(ca === undefined ? {} : { tls: { ca } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = from.slice(from.lastIndexOf('@') + 1);
  return {
    send: async ({ id, subject, text }, to, at) => {
      try {
        await transport.sendMail({
          from,
          to,
          subject,
          text,
          messageId: `<${id}@${domain}>`,
          date: new Date(at),
          headers: { 'Auto-Submitted': 'auto-generated' },
        });
        return undefined;
      } catch (error) {
        return refusalOf(error, to);
      }
    },
  };
}

const mostWords = 500;

/** The server's words, without the address that they are about: they are shown to admins and kept. */
function refusalOf(error: unknown, to: string): Refusal {
  const words = error instanceof Error ? error.message : String(error);
  const status = error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : undefined;
  const command = error instanceof Error && 'command' in error ? error.command : undefined;
  // What is wrong before a recipient is named is put right by whoever runs the platform; a mailbox that is not there is not.
  const isFinal = status !== undefined && status >= 500 && (command === 'RCPT TO' || command === 'DATA');
  // The server may write it otherwise, or name another one that it stands for.
  const hidden = words.replaceAll(to, 'the address').replaceAll(/[^\s<>(),;:"']+@[^\s<>(),;:"']+/g, 'the address');
  return { error: hidden.slice(0, mostWords), passes: !isFinal };
}
