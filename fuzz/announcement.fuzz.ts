/** Announcements: what decodes encodes to the same bytes, and its life is one that a node may announce. */

import assert from 'node:assert/strict';
import { MalformedError } from '../src/safety/errors.ts';
import {
  decodeAnnouncement,
  encodeAnnouncement,
  MAX_ANNOUNCEMENT_TTL_SECONDS,
} from '../src/wire/announcement.ts';

export function fuzz(data: Uint8Array): void {
  try {
    const announcement = decodeAnnouncement(data);
    const life = announcement.expiry - announcement.issued;
    assert.ok(life > 0 && life <= MAX_ANNOUNCEMENT_TTL_SECONDS);
    assert.deepEqual(Buffer.from(encodeAnnouncement(announcement)), Buffer.from(data));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}
