/** Another machine on the network, as far as a network goes: a namespace of Linux behind a cable that can be pulled. */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';

export interface OtherMachine extends Disposable {
  /** This machine's end of the cable. */
  readonly here: string;
  /** The other end. */
  readonly there: string;
  /** Runs a command on the other machine. */
  readonly within: readonly string[];
  /** Pulls the cable out, or plugs it in. */
  cable(state: 'down' | 'up'): void;
}

const ip = (...words: string[]): void => void execFileSync('ip', words, { stdio: 'pipe' });

/** @returns why there can be none here; undefined when there can */
export function whyNoOtherMachine(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need Linux and root';
  const name = `gyre-try-${randomInt(1e9)}`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'del', name);
    return undefined;
  } catch (error) {
    return `no network namespace can be made here (iproute2): ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
  }
}

/** A namespace with nothing but a loopback and one cable to this machine. */
export function openOtherMachine(): OtherMachine {
  const number = randomInt(1, 250);
  const part = randomInt(1, 250);
  const name = `gyre-${number}-${part}-${process.pid}`;
  const ends = [`gy${process.pid}a`, `gy${process.pid}b`] as const;
  const [here, there] = [`10.${number}.${part}.1`, `10.${number}.${part}.2`];
  ip('netns', 'add', name);
  ip('link', 'add', ends[0], 'type', 'veth', 'peer', 'name', ends[1]);
  ip('link', 'set', ends[1], 'netns', name);
  ip('addr', 'add', `${here}/24`, 'dev', ends[0]);
  ip('link', 'set', ends[0], 'up');
  ip('-n', name, 'addr', 'add', `${there}/24`, 'dev', ends[1]);
  ip('-n', name, 'link', 'set', ends[1], 'up');
  ip('-n', name, 'link', 'set', 'lo', 'up');
  return {
    here,
    there,
    within: ['ip', 'netns', 'exec', name],
    cable: (state) => ip('-n', name, 'link', 'set', ends[1], state),
    [Symbol.dispose]: () => ip('netns', 'del', name),
  };
}
