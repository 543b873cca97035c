import { brokerText, shownTopic } from '../addresses.ts';
import type { TopicAddress } from '../addresses.ts';
import type { BrokerBook } from '../brokers.ts';
import type { Broker } from '../port.ts';
import { GyreError } from '#core';

/**
 * The broker of a topic, with what signs in to it. Each kind's client is loaded when it is called for.
 * @param onlyNamed whether only brokers of the book are connected to
 * @throws GyreError PERMISSION_DENIED for a broker that is not named, and what the book throws
 */
export async function openBroker(address: TopicAddress, book: BrokerBook, onlyNamed: boolean): Promise<Broker> {
  const login = await book.loginOf(address);
  if (login === undefined && onlyNamed)
    throw new GyreError(
      'PERMISSION_DENIED',
      `the platform connects to brokers that whoever runs it has named, and ${brokerText(address)} is not among them: it belongs in the file that GYRE_BROKERS names`,
      { broker: shownTopic(address) },
    );
  switch (address.kind) {
    case 'nats':
      return (await import('./nats.ts')).natsBroker(address, login ?? {});
    case 'redis':
      return (await import('./redis.ts')).redisBroker(address, login ?? {});
    case 'kafka':
      return (await import('./kafka.ts')).kafkaBroker(address, login ?? {});
  }
}
