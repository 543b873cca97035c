import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** A message as a server took it. */
export interface Taken {
  readonly to: readonly string[];
  readonly text: string;
  readonly isEncrypted: boolean;
  /** Decoded from AUTH PLAIN (RFC 4616): user and password. */
  readonly signedIn?: string;
}

export interface SmtpStand extends AsyncDisposable {
  readonly port: number;
  readonly taken: Taken[];
  /** Answered to RCPT instead of 250. */
  answer: string | undefined;
  /** Whether connections are closed at once. */
  isAway: boolean;
}

/** A server that speaks as much of SMTP (RFC 5321) as a client of it needs, with STARTTLS (RFC 3207) where it has a certificate. */
export async function openSmtpStand(certificate?: { readonly cert: string; readonly key: string }): Promise<SmtpStand> {
  const sockets = new Set<Socket>();
  const stand = { taken: [] as Taken[], answer: undefined as string | undefined, isAway: false };
  const speak = (socket: Socket, isEncrypted: boolean): void => {
    let [rest, to, data, signedIn] = ['', [] as string[], undefined as string[] | undefined, undefined as string | undefined];
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    const heard = (line: string): void => {
      if (data !== undefined) {
        if (line !== '.') {
          data.push(line.startsWith('..') ? line.slice(1) : line);
          return;
        }
        stand.taken.push({ to, text: data.join('\n'), isEncrypted, ...(signedIn === undefined ? {} : { signedIn }) });
        [to, data] = [[], undefined];
        say('250 taken');
        return;
      }
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === 'EHLO') {
        const offers = [...(certificate === undefined || isEncrypted ? [] : ['STARTTLS']), 'AUTH PLAIN'];
        for (const offer of offers.slice(0, -1)) say(`250-${offer}`);
        say(`250 ${offers.at(-1) ?? 'OK'}`);
      } else if (verb === 'STAR') {
        say('220 go on');
        socket.removeAllListeners('data');
        const secured = new TLSSocket(socket, { isServer: true, ...certificate });
        secured.on('error', () => undefined);
        speak(secured, true);
      } else if (verb === 'AUTH') {
        signedIn = Buffer.from(line.split(' ')[2] ?? '', 'base64')
          .toString()
          .split('\0')
          .slice(1)
          .join(':');
        say('235 welcome');
      } else if (verb === 'RCPT') {
        if (stand.answer === undefined) to = [...to, /<(.*)>/.exec(line)?.[1] ?? ''];
        say(stand.answer ?? '250 yes');
      } else if (verb === 'DATA') {
        data = [];
        say('354 say it');
      } else if (verb === 'QUIT') {
        say('221 bye');
        socket.end();
      } else say('250 yes');
    };
    socket.on('data', (bytes: Buffer) => {
      const lines = (rest + bytes.toString()).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) heard(line);
    });
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    if (stand.isAway) {
      socket.destroy();
      return;
    }
    socket.write('220 here\r\n');
    speak(socket, false);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return Object.assign(stand, {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
}
