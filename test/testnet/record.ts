/** The record of a network whose processes do not exist. */

export const RECORD = {
  version: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  tookMs: 12,
  owner: { pid: 99_999_999, started: 'never' },
  reaper: { pid: 99_999_999, started: 'never' },
  processes: [{ name: 'auth0', pid: 99_999_998 }],
  clientConfig: ['TestingTorNetwork "1"'],
} as const;
