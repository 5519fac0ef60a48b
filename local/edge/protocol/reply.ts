import { randomUUID } from 'node:crypto';
import type { ApiCall } from './call.ts';
import type { AwsRefusal } from './refusal.ts';
import { ec2Error } from './xml.ts';

/** A whole answer, ready to be written. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export const jsonReply = (status: number, content: unknown, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.1', ...headers },
  body: JSON.stringify(content),
});

export const xmlReply = (status: number, body: string): Reply => ({
  status,
  headers: { 'content-type': 'text/xml;charset=UTF-8' },
  body,
});

const queryError = (code: string, message: string, requestId: string): string =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>` +
  `<RequestId>${requestId}</RequestId></ErrorResponse>`;

/** Writes a refusal in the protocol of the call it answers. */
export const refusalReply = (call: ApiCall, refusal: AwsRefusal): Reply => {
  const requestId = randomUUID();
  if (call.service === 'ec2') return xmlReply(refusal.status, ec2Error(refusal.code, refusal.message, requestId));
  if (call.protocol === 'query') return xmlReply(refusal.status, queryError(refusal.code, refusal.message, requestId));
  return jsonReply(
    refusal.status,
    { __type: refusal.code, message: refusal.message },
    { 'x-amzn-errortype': refusal.code, 'x-amzn-requestid': requestId },
  );
};
