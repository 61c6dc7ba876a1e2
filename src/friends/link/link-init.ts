/** What a link with one friend is made of, and what it tells whoever keeps it. */

import type { ContactId } from '../../delivery/face.ts';
import type { SecureChannel } from '../../net/channel.ts';
import type { FrameReader } from '../../net/frame-reader.ts';
import type { Clock } from '../../safety/clock.ts';
import type { Provider } from '../../safety/crypto/provider.ts';
import type { Log } from '../../safety/log.ts';
import type { RandomBytes } from '../../safety/random.ts';
import type { LinkDelivery } from './face.ts';
import type { PresenceTeller } from './presence.ts';

export interface FriendLinkInit {
  readonly contact: ContactId;
  readonly channel: SecureChannel;
  /** Behind the login. */
  readonly frames: FrameReader;
  /** That both have, as the login has shown. */
  readonly key: Uint8Array;
  /** Of our bundle as they know it. */
  readonly bundleHash: Uint8Array;
  /** The acceptor's answer to the login, which goes out before all else. */
  readonly welcome?: Uint8Array;
  readonly weDialed: boolean;
  /** Key of the onion that we are on this channel. */
  readonly ownOnion: Uint8Array;
  readonly delivery: LinkDelivery;
  readonly provider: Provider;
  readonly random: RandomBytes;
  readonly clock: Clock;
  readonly log: Log;
  readonly teller: PresenceTeller;
  readonly onBytes: (direction: 'sent' | 'received', bytes: number) => void;
  /** A frame of theirs was read. */
  readonly onHeard: () => void;
  readonly onPresence: () => void;
  readonly isFriend: () => boolean;
  /** The other end has shown to have a pair key, after a login that had not. */
  readonly onFirm: () => void;
  /** It is no link any more; undefined: the other side ended it, in order. The farewell follows. */
  readonly onOver: (cause: unknown) => void;
}
