import type { MigrationSet } from '#store';
import { models } from './0001-models.ts';
import { broughtModels } from './0002-brought-models.ts';
import { webhooks } from './0003-webhooks.ts';
import { testedBroughtModels } from './0004-tested-brought-models.ts';
import { testedModels } from './0005-tested-models.ts';
import { conversions } from './0006-conversions.ts';

export const registryMigrations: MigrationSet = {
  room: 'registry',
  migrations: [models, broughtModels, webhooks, testedBroughtModels, testedModels, conversions],
};
