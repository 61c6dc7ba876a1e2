/**
 * Logging in on a link between homes: the dialer shows a MAC under each key it shares with the friend, the acceptor
 * finds whose they are and answers with one of its own. docs/wire.md, "Friends' link". kem/link-login.ts says why that
 * cannot be relayed, reflected or replayed.
 *
 * The acceptor learns nothing of a dialer whose MACs it does not know, and tells it nothing. The dialer tells whoever
 * holds the onion's key that somebody has a friend there, and which bundle of that friend's it knows.
 */

import type { ContactId } from '../../delivery/face.ts';
import type { SecureChannel } from '../../net/channel.ts';
import { FrameReader } from '../../net/frame-reader.ts';
import { isLinkLogin, type LinkBinding, linkLogin } from '../../kem/link-login.ts';
import type { Primitives } from '../../kem/primitives.ts';
import { equal } from '../../safety/bytes.ts';
import { MalformedError } from '../../safety/errors.ts';
import { encodeFrame } from '../../wire/frame.ts';
import {
  BUNDLE_HASH_BYTES,
  decodeFriendFrame,
  encodeFriendFrame,
  LOGIN_FRAME_BYTES,
  LOGIN_MACS,
  MAC_BYTES,
  WELCOME_FRAME_BYTES,
} from '../../wire/friend-frame.ts';
import { LinkError } from './errors.ts';
import type { LinkBook } from './face.ts';
import { MAX_LOGIN_KEYS } from './limits.ts';

/** What a side knows when both are proven. */
export interface LoggedIn {
  /** The key that both have. */
  readonly key: Uint8Array;
  /** Of our bundle, as the other side knows it: 32 bytes, zeros for none. */
  readonly bundleHash: Uint8Array;
  /** Goes on behind the login. */
  readonly frames: FrameReader;
}

/** What a dialer showed, and who that makes it. */
export interface Recognised extends LoggedIn {
  readonly contact: ContactId;
  /** The answer under that key, a frame's content. */
  readonly welcome: (bundleHash: Uint8Array | null) => Uint8Array;
}

const NO_BUNDLE = new Uint8Array(BUNDLE_HASH_BYTES);

export interface DialerLogin {
  readonly channel: SecureChannel;
  /** Key of our onion, as the channel proved it to the other side. */
  readonly ownOnion: Uint8Array;
  /** Best first; the first {@link MAX_LOGIN_KEYS} are used, and there must be one. */
  readonly keys: readonly Uint8Array[];
  /** Hash of the newest bundle of theirs that we know. */
  readonly bundleHash: Uint8Array | null;
}

/** The dialer's side. Throws LinkError LINK_REFUSED, MalformedError, ChannelError, or the signal's reason. */
export async function logInAsDialer(
  primitives: Primitives,
  { channel, ownOnion, keys, bundleHash }: DialerLogin,
  signal: AbortSignal,
): Promise<LoggedIn> {
  const link = bindingOf(channel, ownOnion, channel.remoteKey);
  const used = keys.slice(0, MAX_LOGIN_KEYS);
  const macs = used.map((key) => linkLogin(primitives.provider, key, 'dialer', link));
  while (macs.length < LOGIN_MACS) macs.push(primitives.random(MAC_BYTES));
  const login = encodeFriendFrame({ type: 'login', macs, bundleHash: bundleHash ?? NO_BUNDLE });
  await channel.write(encodeFrame(login), signal);
  const frames = new FrameReader(channel);
  const answer = await frames.next(WELCOME_FRAME_BYTES, WELCOME_FRAME_BYTES, signal);
  if (answer === null) throw new LinkError('LINK_REFUSED');
  const welcome = decodeFriendFrame(answer);
  if (welcome.type !== 'welcome') throw new LinkError('LINK_REFUSED');
  const key = used.find((key) => isLinkLogin(primitives, key, 'acceptor', link, welcome.mac));
  if (key === undefined) throw new LinkError('LINK_REFUSED');
  return { key, bundleHash: welcome.bundleHash, frames };
}

export interface AcceptorLogin {
  readonly channel: SecureChannel;
  readonly ownOnion: Uint8Array;
  readonly book: Pick<LinkBook, 'loginKeys' | 'contactOfHome' | 'contacts' | 'mayLink'>;
}

/**
 * The acceptor's side up to the answer, which is the caller's to send; null: this is nobody we know. Throws
 * ChannelError or the signal's reason.
 */
export async function recogniseDialer(
  primitives: Primitives,
  { channel, ownOnion, book }: AcceptorLogin,
  signal: AbortSignal,
): Promise<Recognised | null> {
  const frames = new FrameReader(channel);
  const login = await readLogin(frames, signal);
  if (login === null) return null;
  const link = bindingOf(channel, channel.remoteKey, ownOnion);
  const found = find(primitives, link, login.macs, candidates(book, channel.remoteKey), book);
  if (found === null) return null;
  const { contact, key } = found;
  const welcome = (bundleHash: Uint8Array | null): Uint8Array =>
    encodeFriendFrame({
      type: 'welcome',
      mac: linkLogin(primitives.provider, key, 'acceptor', link),
      bundleHash: bundleHash ?? NO_BUNDLE,
    });
  return { contact, key, bundleHash: login.bundleHash, frames, welcome };
}

async function readLogin(frames: FrameReader, signal: AbortSignal) {
  try {
    const bytes = await frames.next(LOGIN_FRAME_BYTES, LOGIN_FRAME_BYTES, signal);
    const login = bytes === null ? null : decodeFriendFrame(bytes);
    return login?.type === 'login' ? login : null;
  } catch (error) {
    // a stranger's nonsense is refused as a stranger's login is
    if (error instanceof MalformedError) return null;
    throw error;
  }
}

/** Whose home it is comes first: nearly always the one. Who moved since we heard of them is found behind it. */
function* candidates(book: AcceptorLogin['book'], onionKey: Uint8Array): Generator<ContactId> {
  const expected = book.contactOfHome(onionKey);
  if (expected !== null) yield expected;
  for (const contact of book.contacts()) {
    if (expected === null || !equal(contact, expected)) yield contact;
  }
}

/** All comparisons are of MACs under a fresh key: their time tells nothing about the login that would be right. */
function find(
  { provider, random }: Primitives,
  link: LinkBinding,
  macs: readonly Uint8Array[],
  contacts: Iterable<ContactId>,
  book: AcceptorLogin['book'],
): { readonly contact: ContactId; readonly key: Uint8Array } | null {
  const blind = random(32);
  const shown = macs.map((mac) => provider.hmacSha256(blind, mac));
  for (const contact of contacts) {
    if (!book.mayLink(contact)) continue;
    for (const key of book.loginKeys(contact).slice(0, MAX_LOGIN_KEYS)) {
      const expected = provider.hmacSha256(blind, linkLogin(provider, key, 'dialer', link));
      if (shown.some((mac) => equal(mac, expected))) return { contact, key };
    }
  }
  return null;
}

function bindingOf(channel: SecureChannel, dialerOnion: Uint8Array, acceptorOnion: Uint8Array): LinkBinding {
  return { handshakeHash: channel.handshakeHash, dialerOnion, acceptorOnion };
}
