import { lookup } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { GyreError } from '#core';

/** Where requests for sources may go. */
export interface AllowedHosts {
  /**
   * Judges the host of an address before anything is sent.
   * @param hostname as a URL has it, IPv6 in brackets; @param port the effective one
   * @throws GyreError PERMISSION_DENIED naming the setting
   */
  require(hostname: string, port: string): void;
  /** For the connection itself: a name may lead to a private address, and to another one each time it is asked for. */
  lookupFor(hostname: string, port: string): LookupFunction | undefined;
}

/** Addresses that are not the public internet's (IANA's registries of special-purpose addresses for IPv4 and IPv6, RFC 6890). */
const special: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // All of IPv6 but 2000::/3 is not global unicast; within it, those that carry IPv4 or are for documents.
  ['::', 3],
  ['4000::', 2],
  ['8000::', 1],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 4 ? 'ipv4' : 'ipv6');

/**
 * Reads a list of hosts, with commas between: `public` (any address of the public internet), names (`data.example.org`), names below one
 * (`*.example.org`), addresses and ranges (`10.1.2.3`, `10.1.0.0/16`, `[::1]`), each but ranges also with a port (`localhost:9000`).
 * A name that is listed may lead to any address.
 * @param setting the name of the setting that the list comes from, for messages @param purpose what being listed allows, for messages
 * @param resolve what asks for the addresses of a name
 * @throws GyreError INVALID_ARGUMENT naming what is no such entry
 */
export function allowedHosts(
  list: string,
  setting: string,
  purpose = 'data may be fetched from there',
  resolve: ResolveAll = resolveAll,
): AllowedHosts {
  const notPublic = rangesOf(special);
  const listed: (readonly [string, number])[] = [];
  const names = new Set<string>();
  let isPublic = false;
  for (const entry of list.split(',').map((each) => each.trim().toLowerCase())) {
    const [, address, bits] = /^\[?([0-9a-f.:]+?)\]?\/(\d+)$/.exec(entry) ?? [];
    if (entry === '') continue;
    else if (entry === 'public') isPublic = true;
    else if (bits !== undefined && isIP(address) !== 0 && Number(bits) <= (isIP(address) === 4 ? 32 : 128)) {
      listed.push([address, Number(bits)]);
    } else if (isIP(entry) !== 0) names.add(entry.includes(':') ? `[${entry}]` : entry);
    else if (/^(\[[0-9a-f:.]+\]|(\*\.)?[a-z0-9._-]+)(:\d{1,5})?$/.test(entry)) names.add(entry);
    else throw new GyreError('INVALID_ARGUMENT', `${setting}: "${entry}" is no host, address, range (10.0.0.0/8) or the word public`);
  }
  const ranges = rangesOf(listed);
  const isListed = (hostname: string, port: string): boolean => {
    const labels = hostname.split('.');
    const wider = isIP(bare(hostname)) === 0 ? labels.slice(1).map((_, i) => `*.${labels.slice(i + 1).join('.')}`) : [];
    return [hostname, ...wider].some((name) => names.has(name) || names.has(`${name}:${port}`));
  };
  const isReachable = (address: string): boolean => {
    const family = familyOf(address);
    return ranges[family].check(address, family) || (isPublic && !notPublic[family].check(address, family));
  };
  const refuse = (hostname: string, why: string): GyreError =>
    new GyreError(
      'PERMISSION_DENIED',
      `${hostname} ${why}: add it to ${setting} (now ${list.trim() === '' ? 'empty' : `"${list}"`}) if ${purpose}`,
      { hostname, setting },
    );
  return {
    require: (hostname, port) => {
      if (isListed(hostname, port)) return;
      const address = bare(hostname);
      if (isIP(address) === 0) {
        if (!isPublic && listed.length === 0) throw refuse(hostname, 'is no host that is allowed');
      } else if (!isReachable(address))
        throw refuse(hostname, isPublic ? 'is no address of the public internet' : 'is no address that is allowed');
    },
    lookupFor: (hostname, port) => {
      if (isListed(hostname, port) || isIP(bare(hostname)) !== 0) return undefined;
      return (name, options, answer) => {
        resolve(name, options, (error, found) => {
          const reachable = found.filter(({ address }) => isReachable(address));
          if (error === null && reachable.length === 0)
            error = refuse(hostname, `leads to ${found.map(({ address }) => address).join(', ')}, which is not allowed`);
          if (options.all === true) answer(error, reachable);
          else answer(error, reachable[0]?.address ?? '', reachable[0]?.family);
        });
      };
    },
  };
}

const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1');

/** A list for each family: one for both would take IPv4 for what IPv6 maps it to. */
function rangesOf(subnets: readonly (readonly [string, number])[]): Readonly<Record<'ipv4' | 'ipv6', BlockList>> {
  const ranges = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const [address, bits] of subnets) ranges[familyOf(address)].addSubnet(address, bits, familyOf(address));
  return ranges;
}

type ResolveAll = (name: string, options: LookupOptions, done: (error: Error | null, found: readonly LookupAddress[]) => void) => void;

function resolveAll(...[name, options, done]: Parameters<ResolveAll>): void {
  lookup(name, { ...options, all: true }, (error, found) => done(error, error === null ? found : []));
}
