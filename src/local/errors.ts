/** Errors of the local socket, and how a typed error crosses it without losing its code and hint. */

import { KithError } from '../safety/errors.ts';

export type LocalErrorCode =
  | 'NODE_NOT_RUNNING'
  | 'NODE_GONE'
  | 'METHOD_UNKNOWN'
  | 'PARAMS_WRONG'
  | 'BUSY'
  | 'ANSWER_TOO_LARGE'
  | 'EVENTS_MISSED'
  | 'IMPORT_TOO_LARGE'
  | 'PORT_TAKEN'
  | 'INTERNAL';

export class LocalError extends KithError<LocalErrorCode> {
  override readonly name = 'LocalError';
}

/** An error that a method threw in the node, as the client sees it. */
export class RemoteError extends KithError {
  override readonly name = 'RemoteError';
}

/** JSON-RPC 2.0 section 5.1: server-defined errors. */
const APPLICATION_ERROR = -32_000;

export interface RpcErrorObject {
  readonly code: number;
  readonly message: string;
  readonly data: { readonly code: string; readonly hint: string; readonly data: KithError['data'] };
}

/** What of an error goes over the socket. Unknown errors keep their text inside the node. */
export function toRpcError(error: unknown): RpcErrorObject {
  const known =
    error instanceof KithError
      ? error
      : new LocalError('INTERNAL', 'the node failed to do that', {
          hint: 'Look at the log of the node (`kith up --log debug`).',
        });
  return {
    code: APPLICATION_ERROR,
    message: known.message,
    data: { code: known.code, hint: known.hint, data: known.data },
  };
}
