import type { Registry, RegistryDeps } from './port.ts';

export type { AliasGuard, AliasName, CreateVersion, Registry, RegistryDeps, VersionQuery } from './port.ts';

export declare function openRegistry(deps: RegistryDeps): Registry;
