/** What the EC2 protocol can say: text-like leaves, structures, and lists (written as `<item>` elements). */
export type XmlValue =
  | string
  | number
  | boolean
  | undefined
  | readonly XmlValue[]
  | { readonly [name: string]: XmlValue };

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

const escapeText = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);

const isList = (value: XmlValue): value is readonly XmlValue[] => Array.isArray(value);

/** Writes the content of an element; absent members are left out. */
export const toXml = (value: XmlValue): string => {
  if (value === undefined) return '';
  if (isList(value)) return value.map((item) => `<item>${toXml(item)}</item>`).join('');
  if (typeof value !== 'object') return escapeText(String(value));
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `<${name}>${toXml(member)}</${name}>`)
    .join('');
};

/** The answer document of an EC2 action. */
export const ec2Response = (action: string, requestId: string, content: XmlValue): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">` +
  `<requestId>${requestId}</requestId>${toXml(content)}</${action}Response>`;

/** The error document of an EC2 action. */
export const ec2Error = (code: string, message: string, requestId: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>${toXml({ Code: code, Message: message })}</Error></Errors>` +
  `<RequestID>${requestId}</RequestID></Response>`;
