/** What the chat shows of a message, and what it tells when one changes. Plain data; ids are bytes, times wall ms. */

import type { ContactId } from '../delivery/face.ts';

/**
 * `saved` here, not under way yet (notes to self stay so); `sent`, no answer yet; `delivered`, durable on the other
 * side; `read` there; `received`, theirs; `failed`, and `cause` says why.
 */
export type MessageState = 'saved' | 'sent' | 'delivered' | 'read' | 'received' | 'failed';

/** `refused`: the other side will not have it. `ended`: the friendship ended before it arrived. */
export type FailureCause = 'refused' | 'ended';

export interface Reaction {
  readonly by: 'me' | 'them';
  readonly emoji: string;
}

export interface Attachment {
  readonly name: string;
  readonly type: string;
  readonly sizeBytes: number;
  /** All of it is here, and is what its sender said it was. */
  readonly complete: boolean;
}

/** One line of a history. */
export interface Message {
  /** 16 bytes, chosen by its author; of a gap all zeros. */
  readonly id: Uint8Array;
  /** Place in the history. Never changes. */
  readonly seq: number;
  readonly contact: ContactId;
  readonly mine: boolean;
  readonly kind: 'text' | 'attachment' | 'deleted' | 'gap' | 'timer';
  /** The newest text, or the caption of an attachment; empty for other kinds. */
  readonly text: string;
  /** When its author wrote it, by their clock; of a gap: when it was noticed. */
  readonly at: number;
  readonly state: MessageState;
  readonly cause: FailureCause | null;
  readonly editedAt: number | null;
  readonly replyTo: Uint8Array | null;
  readonly reactions: readonly Reaction[];
  readonly attachment: Attachment | null;
  /** Of a timer message: the seconds it sets; else null. */
  readonly timerS: number | null;
  readonly unread: boolean;
  readonly unproven: boolean;
  /** Null while it stays, or while its time has not begun. */
  readonly disappearsAt: number | null;
  /** Of a gap: how many are missing, and whether they may still come. */
  readonly missing: { readonly count: number; readonly final: boolean } | null;
  readonly broken: boolean;
  readonly restored: boolean;
}

export type ChatEvent =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'message-changed'; readonly message: Message }
  | { readonly kind: 'message-removed'; readonly contact: ContactId; readonly id: Uint8Array }
  /** The unread count or the timer of a conversation changed. */
  | { readonly kind: 'conversation'; readonly contact: ContactId };

export interface SendOptions {
  /** At most MAX_TEXT_BYTES in UTF-8. With an attachment it is the caption, and may be left out. */
  readonly text?: string | undefined;
  /** Id of a message of the same conversation. */
  readonly replyTo?: Uint8Array | undefined;
  readonly attachment?:
    | { readonly name: string; readonly type: string; readonly bytes: Uint8Array }
    | undefined;
}

export interface HistoryOptions {
  /** Only older than this place. Default: the newest. */
  readonly before?: number | undefined;
  /** Only newer than this place. */
  readonly after?: number | undefined;
  /** 1 to 200, default 50. */
  readonly limit?: number | undefined;
}

export interface SearchOptions {
  readonly contact?: ContactId | undefined;
  readonly before?: number | undefined;
  /** 1 to 200, default 50. */
  readonly limit?: number | undefined;
}

/** Where a message is, and what it waits for. Steps in the order they happened; the last one is now. */
export interface Why {
  readonly message: Message;
  readonly steps: readonly { readonly at: number | null; readonly what: string }[];
  readonly hint: string;
}
