import { registryContract } from './store-contract.ts';
import { webhooksContract } from './webhooks/contract.ts';

const fixture = () => Promise.resolve({ options: { url: 'sqlite::memory:' }, [Symbol.asyncDispose]: () => Promise.resolve() });

registryContract('SQLite', fixture);
webhooksContract('SQLite', fixture);
