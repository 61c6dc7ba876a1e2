/**
 * What a node can be asked about people: who I am, friends, chat, the store. Everything is plain JSON (ids in hex,
 * times ISO 8601), so the local socket hands it through as it is. Implemented by people.ts; `kith/client` calls it.
 *
 * `who` is a friend as a person names them: petname, profile id, or a beginning of it of at least 8 characters that
 * only one contact has; `me` is oneself (notes).
 */

export interface OwnIdentity {
  /** 96 hex characters. */
  readonly id: string;
  /** The same as 36 words. */
  readonly words: string;
  readonly profile: ProfileView;
}

export interface ProfileView {
  readonly name: string;
  readonly status: string;
  /** `image/png`, `image/jpeg` or `image/webp` in base64 where there is one. */
  readonly picture: { readonly type: string; readonly data: string } | null;
}

export interface ProfileChange {
  readonly name?: string;
  readonly status?: string;
  /** Base64; null removes it. */
  readonly picture?: string | null;
}

export interface InviteOptions {
  /** Anybody may use it, any number of times, with proof of work when flooded; default: one person, once. */
  readonly public?: boolean;
  /** Default 7 days, at most 30 (private), 365 (public). */
  readonly ttlMs?: number;
  /** For the owner's eyes: whom it was for. */
  readonly note?: string;
}

export interface InviteView {
  /** First 16 hex characters of the door's key. */
  readonly id: string;
  /** `kith:…` */
  readonly uri: string;
  readonly public: boolean;
  readonly note: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  /** Requests that came through it. */
  readonly used: number;
  readonly state: 'opening' | 'open' | 'failed';
}

export type FriendState = 'requested' | 'asking' | 'friend' | 'blocked';

export interface FriendView {
  readonly id: string;
  /** Petname; ours, unique, never theirs to choose. */
  readonly name: string;
  readonly state: FriendState;
  readonly since: string;
  /** When a request ends by itself. */
  readonly expiresAt: string | null;
  /** Of one that we asked: whether the request is with them; `refused` is for good. Null in the other states. */
  readonly request: 'on-its-way' | 'arrived' | 'refused' | null;
  /** What they wrote with their request. */
  readonly note: string;
  readonly profile: ProfileView | null;
  /** `compared`: safety words were. `proven`: post-quantum epoch 1 is through. `changed`: nothing goes out until confirmed. */
  readonly trust: 'unproven' | 'proven' | 'compared' | 'changed';
  readonly presence: 'online' | 'away' | 'unknown';
  readonly connected: boolean;
  readonly lastReachedAt: string | null;
  /** When they are dialed next, while there is something for them. */
  readonly nextTryAt: string | null;
  /** Contents that wait for them. */
  readonly waiting: number;
  readonly unread: number;
  /** Seconds after which messages disappear; 0 never. */
  readonly timerS: number;
}

export interface SafetyWords {
  /** 18 words, the same on both sides: 9 of each person. */
  readonly words: string;
  readonly compared: boolean;
  /**
   * 18 more of the keys of both devices, which the words above do not contain; null while nothing is known of theirs.
   * `changed`: theirs is another than was pinned, and {@link PeopleFace.trust} wants these words too.
   */
  readonly device: { readonly words: string; readonly changed: boolean } | null;
}

export type MessageState = 'saved' | 'sent' | 'delivered' | 'read' | 'received' | 'failed';

export interface MessageView {
  /** 32 hex characters. */
  readonly id: string;
  /** Place in the history; pages are asked for by it. */
  readonly seq: number;
  /** Profile id of the contact (one's own for notes). */
  readonly contact: string;
  readonly mine: boolean;
  readonly kind: 'text' | 'attachment' | 'deleted' | 'gap' | 'timer';
  readonly text: string;
  readonly at: string;
  readonly state: MessageState;
  /** Null unless failed. */
  readonly cause: string | null;
  /** Of `timer`: the seconds that it sets, 0 never; else null. */
  readonly timerS: number | null;
  readonly editedAt: string | null;
  readonly replyTo: string | null;
  readonly reactions: readonly { readonly by: 'me' | 'them'; readonly emoji: string }[];
  readonly attachment: AttachmentView | null;
  /** Written before its sender was proven, and so perhaps by somebody else. */
  readonly unproven: boolean;
  readonly disappearsAt: string | null;
  /** Of a gap: how many messages are missing, and whether they may still come. */
  readonly missing: { readonly count: number; readonly final: boolean } | null;
  /** It does not follow from what came before it: its sender's history was changed, or the sender is faulty. */
  readonly broken: boolean;
  /** It came back from the other side after a restore. */
  readonly restored: boolean;
}

export interface AttachmentView {
  readonly name: string;
  readonly type: string;
  readonly sizeBytes: number;
  readonly complete: boolean;
}

export interface SendOptions {
  readonly text?: string;
  readonly replyTo?: string;
  readonly attachment?: { readonly name: string; readonly type: string; readonly data: string };
}

export interface HistoryOptions {
  /** Older than this place. Default: the newest. */
  readonly before?: number;
  readonly after?: number;
  /** 1 to 200, default 50. */
  readonly limit?: number;
}

export interface SearchOptions {
  readonly who?: string;
  readonly before?: number;
  readonly limit?: number;
}

/** Where a message is, and what it waits for. */
export interface Why {
  readonly message: MessageView;
  /** In the order in which they happened, the last one is now. */
  readonly steps: readonly { readonly at: string | null; readonly what: string }[];
  /** What to do, if anything. */
  readonly hint: string;
}

export type PeopleEvent =
  | { readonly kind: 'message'; readonly message: MessageView; readonly name: string }
  | { readonly kind: 'message-changed'; readonly message: MessageView; readonly name: string }
  | { readonly kind: 'message-removed'; readonly id: string; readonly contact: string }
  | { readonly kind: 'friend'; readonly friend: FriendView }
  | { readonly kind: 'friend-removed'; readonly id: string }
  | {
      readonly kind: 'presence';
      readonly id: string;
      readonly name: string;
      readonly presence: FriendView['presence'];
    }
  | { readonly kind: 'invite'; readonly invite: InviteView }
  | { readonly kind: 'invite-closed'; readonly id: string };

/** Every method may throw a KithError, and has changed nothing then. */
export interface PeopleFace {
  identity(): OwnIdentity;
  setProfile(change: ProfileChange): ProfileView;

  openInvite(options: InviteOptions): InviteView;
  invites(): readonly InviteView[];
  closeInvite(id: string): void;

  friends(): readonly FriendView[];
  friend(who: string): FriendView;
  /**
   * Fetches the bundle behind an invite, saves a request, and waits a minute for it to arrive; after that it goes out
   * when it can. Throws INVITE_REFUSED where the invite was used or closed: then nobody new was asked, and what was asked
   * of them before stands.
   */
  add(
    uri: string,
    options: { readonly name?: string; readonly note?: string; readonly signal?: AbortSignal },
  ): Promise<FriendView>;
  accept(who: string, name?: string): FriendView;
  deny(who: string): void;
  block(who: string): FriendView;
  unblock(who: string): void;
  /** Unfriends, or withdraws a request. History goes only with `history: true`. */
  remove(who: string, options?: { readonly history?: boolean }): void;
  rename(who: string, name: string): FriendView;
  safetyWords(who: string): SafetyWords;
  /**
   * The safety words were compared. `device`: the words of the devices were, too: these ones. That alone confirms a changed
   * device. Throws DEVICE_CHANGED where it has changed and they are missing, or where they are not those of now.
   */
  trust(who: string, options?: { readonly device?: string }): FriendView;

  /** By its full id (32 hex characters) or its place in the history (`seq`, decimal). Throws MESSAGE_UNKNOWN. */
  message(ref: string): MessageView;
  send(who: string, options: SendOptions): MessageView;
  edit(id: string, text: string): MessageView;
  deleteMessage(id: string, options?: { readonly onlyHere?: boolean }): void;
  /** An empty emoji takes the reaction back. */
  react(id: string, emoji: string): MessageView;
  markRead(who: string, upTo?: string): void;
  setTimer(who: string, seconds: number): void;
  history(who: string, options?: HistoryOptions): readonly MessageView[];
  search(query: string, options?: SearchOptions): readonly MessageView[];
  attachment(id: string): { readonly name: string; readonly type: string; readonly data: string };
  why(id: string): Why;
  /** One JSON object a line. */
  exportHistory(who?: string): Iterable<string>;
  /** Returns how many messages were new. Throws with the number of the first bad line, and has imported nothing then. */
  importHistory(lines: Iterable<string>): number;

  setPresence(presence: 'online' | 'away'): void;
  /** A new home onion; friends are told, the old one goes when all know or after 14 days. */
  rotateHome(): Promise<{ readonly onion: string; readonly waiting: number }>;

  onEvent(listener: (event: PeopleEvent) => void): () => void;
}
