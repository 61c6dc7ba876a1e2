/**
 * Every call that the typed client (kith-client.ts) makes over the local socket, with what it takes and what it answers.
 * Those about people are the one table behind the methods of the node (people-methods.ts), too.
 *
 * Answers fit one line: lists come in pages, and friends in lists and events without the bytes of their pictures
 * (`friends.get` has them).
 */

import type { NodeStatus } from '../node/face.ts';
import type {
  FriendView,
  HistoryOptions,
  InviteOptions,
  InviteView,
  MessageView,
  OwnIdentity,
  PeopleEvent,
  ProfileChange,
  ProfileView,
  SafetyWords,
  SearchOptions,
  SendOptions,
  Why,
} from '../node/people-face.ts';

/** A friend as lists and events show it. */
export type ListedFriend = Omit<FriendView, 'profile'> & {
  readonly profile: { readonly name: string; readonly status: string; readonly hasPicture: boolean } | null;
};

/** What happened, as `events.watch` tells it. */
export type LocalEvent =
  | Exclude<PeopleEvent, { readonly kind: 'friend' }>
  | { readonly kind: 'friend'; readonly friend: ListedFriend };

/** Messages in the order of their places, oldest first. */
export interface MessagePage {
  readonly messages: readonly MessageView[];
  /** What to give as `before` (or as `after`, where that was asked for) to get what follows; null: there is nothing. */
  readonly next: number | null;
}

type None = { readonly [name: string]: never };
type Who = { readonly who: string };
/** `id` of a message: 32 hex characters, or its place in decimal. */
type Id = { readonly id: string };

/** Method by name: parameters and result. */
export interface Api {
  'identity.get': { params: None; result: OwnIdentity };
  'profile.set': { params: ProfileChange; result: ProfileView };
  'presence.set': { params: { readonly presence: 'online' | 'away' }; result: None };
  /** Answers when the new onion is up; those who still have to hear of it are counted. */
  'home.rotate': { params: None; result: { readonly onion: string; readonly waiting: number } };

  'invites.open': { params: InviteOptions; result: InviteView };
  'invites.list': { params: None; result: { readonly invites: readonly InviteView[] } };
  'invites.close': { params: Id; result: None };

  /** From the `from`th on; `next` is where the next page starts. */
  'friends.list': {
    params: { readonly from?: number };
    result: { readonly friends: readonly ListedFriend[]; readonly next: number | null };
  };
  'friends.get': { params: Who; result: FriendView };
  /** Answers when the request has arrived, or a minute after it was saved; it goes out all the same. */
  'friends.add': {
    params: { readonly uri: string; readonly name?: string; readonly note?: string };
    result: FriendView;
  };
  'friends.accept': { params: Who & { readonly name?: string }; result: FriendView };
  'friends.deny': { params: Who; result: None };
  'friends.block': { params: Who; result: FriendView };
  'friends.unblock': { params: Who; result: None };
  'friends.remove': { params: Who & { readonly history?: boolean }; result: None };
  'friends.rename': { params: Who & { readonly name: string }; result: FriendView };
  'friends.words': { params: Who; result: SafetyWords };
  'friends.trust': { params: Who & { readonly device?: string }; result: FriendView };

  /** Answers when the message is on this node's disk. */
  'messages.send': { params: Who & SendOptions; result: MessageView };
  'messages.get': { params: Id; result: MessageView };
  'messages.edit': { params: Id & { readonly text: string }; result: MessageView };
  'messages.delete': { params: Id & { readonly onlyHere?: boolean }; result: None };
  'messages.react': { params: Id & { readonly emoji: string }; result: MessageView };
  'messages.read': { params: Who & { readonly upTo?: string }; result: None };
  'messages.timer': { params: Who & { readonly seconds: number }; result: None };
  'messages.history': { params: Who & HistoryOptions; result: MessagePage };
  'messages.search': { params: SearchOptions & { readonly query: string }; result: MessagePage };
  'messages.attachment': {
    params: Id;
    result: { readonly name: string; readonly type: string; readonly data: string };
  };
  'messages.why': { params: Id; result: Why };
  /** Starts an export; each call with `more` goes on with the one that this connection started, until `done`. */
  'messages.export': {
    params: { readonly who?: string; readonly more?: boolean };
    result: { readonly lines: readonly string[]; readonly done: boolean };
  };
  /**
   * Takes lines in any number of calls, all but the first with `more`; nothing is imported before the call with
   * `done`, which says how many were new.
   */
  'messages.import': {
    params: { readonly lines: readonly string[]; readonly more?: boolean; readonly done: boolean };
    result: { readonly imported: number };
  };

  /** From now on every {@link LocalEvent} is told as a notification `event`, until the connection ends. */
  'events.watch': { params: None; result: None };
}

/** Calls about the node as a whole (methods.ts). */
export interface NodeApi {
  status: { params: None; result: NodeStatus };
  /** To a new file, by its absolute path. */
  'store.backup': {
    params: { readonly path: string; readonly passphrase: string };
    result: { readonly rows: number };
  };
}

export type Call = keyof Api;
