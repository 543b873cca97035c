import { accessMigrations } from '#access';
import { batchMigrations } from '#batch';
import { streamMigrations } from '#streams';
import { ciMigrations } from '#ci';
import { dataMigrations } from '#data';
import { evaluationMigrations } from '#evaluation';
import { eventsMigrations } from '#events';
import { featuresMigrations } from '#features';
import { fleetMigrations } from '#fleet';
import { governanceMigrations } from '#governance';
import { mailMigrations } from '#mail';
import { importsMigrations } from '#imports';
import { monitoringMigrations } from '#monitoring';
import { pipelinesMigrations } from '#pipelines';
import { packagingMigrations } from '#packaging';
import { projectMigrations } from '#project';
import { registryMigrations } from '#registry';
import { releaseDriftMigrations, releaseMigrations, releasePolicyMigrations, releaseTestMigrations, rolloutMigrations } from '#release';
import type { MigrationSet } from '#store';
import { trainingMigrations } from '#training';
import { triggersMigrations } from '#triggers';

/** What makes the tables of all rooms, in the order in which they are made. */
export const migrationSets: readonly MigrationSet[] = [
  eventsMigrations,
  accessMigrations,
  projectMigrations,
  pipelinesMigrations,
  dataMigrations,
  featuresMigrations,
  trainingMigrations,
  evaluationMigrations,
  registryMigrations,
  importsMigrations,
  releaseMigrations,
  rolloutMigrations,
  batchMigrations,
  streamMigrations,
  monitoringMigrations,
  triggersMigrations,
  governanceMigrations,
  releasePolicyMigrations,
  releaseTestMigrations,
  packagingMigrations,
  ciMigrations,
  fleetMigrations,
  releaseDriftMigrations,
  mailMigrations,
];
