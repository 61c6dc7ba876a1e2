/**
 * kith as a library: run a whole node inside your own process. The parts are exported beside it:
 * `kith/transport-tor` (libp2p transport over onion services), `kith/noise` (hybrid post-quantum connection
 * encrypter) and `kith/testnet` (a private Tor network for tests).
 *
 * ```ts
 * import { createKith } from 'kith';
 *
 * const node = await createKith({ dataDir: './node', onEvent: (event) => console.log(event.kind) });
 * await node.start();
 * ```
 */

export { type EpochSchedule, HANDLE_EPOCHS } from './node/epochs.ts';
export type {
  Announced,
  GotSlot,
  KithEvent,
  KithInit,
  KnownEntryPoint,
  NodeStatus,
  OverlayPeers,
  OverlayStatus,
  PutSlot,
  PutSlotOptions,
  Role,
  SayOptions,
} from './node/face.ts';
export type {
  AttachmentView,
  FriendState,
  FriendView,
  HistoryOptions,
  InviteOptions,
  InviteView,
  MessageState,
  MessageView,
  OwnIdentity,
  PeopleEvent,
  PeopleFace,
  ProfileChange,
  ProfileView,
  SafetyWords,
  SearchOptions,
  SendOptions,
  Why,
} from './node/people-face.ts';
export { createKith, KithNode } from './node.ts';
export { KithError, MalformedError } from './safety/errors.ts';
export type { Log, LogFields, LogLevel } from './safety/log.ts';
export { decodeOnion, type OnionAddress } from './wire/onion.ts';
