/** What a face shows of people: the values of the domains as plain JSON (people-face.ts). */

import type { Message } from '../chat/message.ts';
import type { LinkStatus } from '../friends/link/face.ts';
import type { Contact, Invite } from '../friends/people.ts';
import type { ShownProfile } from '../profile/profile.ts';
import { toHex } from '../safety/bytes.ts';
import { decodePicture } from '../wire/picture.ts';
import type { FriendView, InviteView, MessageView, ProfileView } from './people-face.ts';

/** ISO 8601. */
function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}

export function profileView({ name, status, picture }: ShownProfile): ProfileView {
  if (picture === null) return { name, status, picture: null };
  const { type } = decodePicture(picture);
  return { name, status, picture: { type, data: Buffer.from(picture).toString('base64') } };
}

export function inviteView(invite: Invite, state: InviteView['state']): InviteView {
  const { id, uri, note, createdAt, expiresAt, used } = invite;
  const times = { createdAt: isoTime(createdAt), expiresAt: isoTime(expiresAt) };
  return { id, uri, public: invite.public, note, ...times, used, state };
}

/** What is known of a contact beside the friends book. */
export interface AroundContact {
  readonly profile: ShownProfile | null;
  readonly trust: 'unproven' | 'proven' | 'changed';
  readonly link: LinkStatus;
  /** Milliseconds since 1970 of the next try to reach them or their door. */
  readonly nextTryAt: number | null;
  readonly waiting: number;
  readonly unread: number;
  readonly timerS: number;
}

export function friendView(contact: Contact, around: AroundContact): FriendView {
  const { link, trust } = around;
  return {
    id: toHex(contact.id),
    name: contact.name,
    state: contact.state,
    since: isoTime(contact.since),
    expiresAt: isoTimeOrNull(contact.expiresAt),
    request: requestOf(contact),
    note: contact.note,
    profile: around.profile === null ? claimed(contact) : profileView(around.profile),
    trust: trust === 'proven' && contact.compared ? 'compared' : trust,
    presence: link.presence,
    connected: link.connected,
    lastReachedAt: isoTimeOrNull(link.lastReachedAt),
    nextTryAt: isoTimeOrNull(around.nextTryAt),
    waiting: around.waiting,
    unread: around.unread,
    timerS: around.timerS,
  };
}

function requestOf({ state, arrived, refused }: Contact): FriendView['request'] {
  if (state !== 'requested') return null;
  if (refused) return 'refused';
  return arrived ? 'arrived' : 'on-its-way';
}

/** What they called themselves when they asked or answered. */
function claimed({ theirName }: Contact): ProfileView | null {
  return theirName === '' ? null : { name: theirName, status: '', picture: null };
}

const CAUSES: { readonly [K in NonNullable<Message['cause']>]: string } = {
  refused: 'the other side will not have it',
  ended: 'the friendship ended before it arrived',
};

export function messageView(message: Message): MessageView {
  const { seq, mine, kind, text, state, reactions, attachment, unproven, missing, broken, restored, timerS } =
    message;
  return {
    id: toHex(message.id),
    seq,
    contact: toHex(message.contact),
    mine,
    kind,
    text,
    at: isoTime(message.at),
    state,
    cause: message.cause === null ? null : CAUSES[message.cause],
    timerS,
    editedAt: isoTimeOrNull(message.editedAt),
    replyTo: message.replyTo === null ? null : toHex(message.replyTo),
    reactions,
    attachment,
    unproven,
    disappearsAt: isoTimeOrNull(message.disappearsAt),
    missing,
    broken,
    restored,
  };
}
