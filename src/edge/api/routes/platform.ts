import { Type } from 'typebox';
import { Overview, strict } from '#contract';
import { metricsContentType } from '#telemetry';
import { docsPage } from '../docs-page.ts';
import { openApiDocument } from '../openapi.ts';
import { overviewOf } from '../overview/overview.ts';

import { fileRoute, route, type Route } from '../route.ts';
import { Health, SettingView, Version } from '../shapes.ts';

/** @param table hands over every route, these included: what the API says of itself */
export function platformRoutes(table: () => readonly Route[]): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/health',
      permission: 'public',
      tag: 'platform',
      summary: 'Whether the control plane works: its store answers',
      answer: Health,
      handle: async ({ events }) => {
        await events.lastPosition();
        return { status: 'ok' as const };
      },
    }),
    route({
      method: 'GET',
      path: '/version',
      permission: 'public',
      tag: 'platform',
      summary: 'The version of Gyre and of its API',
      answer: Version,
      handle: ({ version }) => ({ gyre: version, api: 'v1' as const }),
    }),
    fileRoute({
      method: 'GET',
      path: '/metrics',
      permission: 'read',
      tag: 'platform',
      summary: 'Figures about the control plane, in the format of Prometheus',
      types: ['text/plain'],
      answers: 'Metrics in the text format of Prometheus.',
      handle: ({ metrics }) => ({ type: metricsContentType, body: metrics.expose() }),
    }),
    route({
      method: 'GET',
      path: '/api/openapi.json',
      permission: 'public',
      tag: 'platform',
      summary: 'This API as OpenAPI 3.1',
      answer: Type.Object({ openapi: Type.String() }),
      handle: ({ version }) => openApiDocument(table(), version),
    }),
    fileRoute({
      method: 'GET',
      path: '/api/docs',
      permission: 'public',
      tag: 'platform',
      summary: 'This API as a page to read',
      types: ['text/html'],
      answers: 'A self-contained page.',
      handle: ({ version }) => ({
        type: 'text/html; charset=utf-8',
        body: docsPage(openApiDocument(table(), version), table()),
        headers: { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'" },
      }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/settings',
      permission: 'read',
      tag: 'platform',
      summary: 'Settings with the source of each; secrets are masked',
      answer: strict({ items: Type.Array(SettingView) }),
      handle: ({ settings }) => ({ items: settings }),
    }),
    route({
      method: 'GET',
      path: '/api/v1/overview',
      permission: 'read',
      tag: 'platform',
      summary: 'The loop in one picture: each station’s latest record, state and figures, and what waits for somebody',
      answer: Overview,
      handle: (rooms) => overviewOf(rooms),
    }),
  ];
}
