import { registryContract } from './store-contract.ts';

registryContract('SQLite', () => Promise.resolve({ options: { url: 'sqlite::memory:' }, [Symbol.asyncDispose]: () => Promise.resolve() }));
