/** What a person can do wrong in a conversation. Nothing was changed when one of these is thrown. */

import { KithError } from '../safety/errors.ts';

export type ChatErrorCode =
  | 'MESSAGE_EMPTY'
  | 'MESSAGE_TOO_LONG'
  | 'MESSAGE_UNKNOWN'
  | 'MESSAGE_NOT_YOURS'
  | 'MESSAGE_NOT_TEXT'
  | 'MESSAGE_EDITED_TOO_OFTEN'
  | 'REACTION_TOO_LONG'
  | 'ATTACHMENT_TOO_LARGE'
  | 'ATTACHMENT_UNNAMED'
  | 'ATTACHMENT_INCOMPLETE'
  | 'TIMER_WRONG'
  | 'PAGE_WRONG'
  | 'QUERY_WRONG'
  | 'IMPORT_BAD_LINE'
  | 'TOO_MANY_CHAINS'
  | 'TOO_FAR_AHEAD';

export class ChatError extends KithError<ChatErrorCode> {
  override readonly name = 'ChatError';
}

export function attachmentIncomplete(): ChatError {
  return new ChatError('ATTACHMENT_INCOMPLETE', 'there is no complete attachment here', {
    hint: 'Its parts come one by one; `kith why` says what it waits for.',
  });
}

export function unknownMessage(): ChatError {
  return new ChatError('MESSAGE_UNKNOWN', 'there is no such message here', {
    hint: 'Name it by its number in the history (`kith history`), or by its whole id; it may have disappeared or been deleted.',
  });
}
