/**
 * Login of contacts on a link: a MAC under their pair key over the handshake they share. docs/wire.md, "Link login".
 *
 *     HMAC-SHA256(pair key, "kith/1/link/login" ‖ role 1 ‖ handshake hash 32 ‖ dialer's onion key 32 ‖ acceptor's 32)
 *
 * It shows that the other end of exactly this link has the pair key, and shows nothing to anybody else: not even which
 * contact it is for. It is as good as the pair key: who stole it can log in on either side. It signs nothing, so it can
 * be denied.
 */

import { equal, utf8 } from '../safety/bytes.ts';
import { type Provider, requireSize } from '../safety/crypto/provider.ts';
import type { Primitives } from './primitives.ts';

/** Size of a login. */
export const LINK_LOGIN_BYTES = 32;

const LOGIN_LABEL = utf8('kith/1/link/login');
const ROLES = { dialer: 1, acceptor: 2 } as const;

export type LinkRole = keyof typeof ROLES;

/** The link as both ends see it. */
export interface LinkBinding {
  /** Transcript hash of the link handshake, 32 bytes: the same on no other link. */
  readonly handshakeHash: Uint8Array;
  /** Ed25519 key of the dialer's onion, 32 bytes. */
  readonly dialerOnion: Uint8Array;
  /** Ed25519 key of the acceptor's onion, 32 bytes. */
  readonly acceptorOnion: Uint8Array;
}

/** What the end with this role sends. Throws RangeError on parts of another size. */
export function linkLogin(
  provider: Provider,
  pairKey: Uint8Array,
  role: LinkRole,
  link: LinkBinding,
): Uint8Array {
  requireSize('pair key', pairKey, 32);
  requireSize('handshake hash', link.handshakeHash, 32);
  requireSize('dialer onion key', link.dialerOnion, 32);
  requireSize('acceptor onion key', link.acceptorOnion, 32);
  return provider.hmacSha256(
    pairKey,
    LOGIN_LABEL,
    Uint8Array.of(ROLES[role]),
    link.handshakeHash,
    link.dialerOnion,
    link.acceptorOnion,
  );
}

/**
 * Whether `login` is what the end with `role` sends on this link. Total over `login`. The comparison is of MACs under
 * a fresh key, so its time tells nothing about the login that would be right.
 */
export function isLinkLogin(
  { provider, random }: Primitives,
  pairKey: Uint8Array,
  role: LinkRole,
  link: LinkBinding,
  login: Uint8Array,
): boolean {
  const expected = linkLogin(provider, pairKey, role, link);
  const blind = random(32);
  return equal(provider.hmacSha256(blind, expected), provider.hmacSha256(blind, login));
}
