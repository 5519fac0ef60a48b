import * as z from 'zod';
import { CertificateRequest, WorkerName } from '#contract';
import { RequestError } from '#shared/errors.ts';
import { parseInput } from '#shared/input.ts';
import type { Route } from '#shared/proxy.ts';
import { certifyNode } from './certify-node.ts';
import { findCertificate, listCertificates } from './look-up-certificates.ts';
import type { IdentityPorts } from './ports.ts';

const NoQuery = z.strictObject({});
const ListQuery = z.strictObject({ name: WorkerName.optional() });
const Identified = z.object({
  id: z.union([z.string().regex(/^[0-9a-f]{64}$/), WorkerName], { error: 'expected a fingerprint or a name' }),
});

const notFound = (id: string): RequestError =>
  new RequestError(404, {
    what: 'there is no such certificate',
    got: id,
    allowed: 'a fingerprint or a name of GET /certificates; expired ones are kept for a day',
    remedy: 'check the name, or issue one with POST /certificates',
  });

/** `/certificates` of the API. */
export const certificateRoutes = (ports: IdentityPorts): Route[] => [
  {
    method: 'POST',
    path: '/certificates',
    handle: async ({ body, query }) => {
      parseInput(NoQuery, query);
      const issued = await certifyNode(ports, parseInput(CertificateRequest, body));
      // Relative to the collection, so that it holds under any stage and domain.
      return { status: 201, body: issued, headers: { location: `certificates/${issued.fingerprint}` } };
    },
  },
  {
    method: 'GET',
    path: '/certificates',
    handle: async ({ query }) => ({
      status: 200,
      body: await listCertificates(ports, parseInput(ListQuery, query).name),
    }),
  },
  {
    method: 'GET',
    path: '/certificates/{id}',
    handle: async ({ parameters, query }) => {
      parseInput(NoQuery, query);
      const { id } = parseInput(Identified, parameters);
      const found = await findCertificate(ports, id);
      if (found === undefined) throw notFound(id);
      return { status: 200, body: found };
    },
  },
];
