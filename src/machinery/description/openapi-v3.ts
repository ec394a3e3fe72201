/** OpenAPI 3.0: one document for each group and version, and the root that names them. */
import { OpenApiBuilder } from 'openapi3-ts/oas30';
import type { OpenAPIObject } from 'openapi3-ts/oas30';
import { rootOf } from './group-versions.ts';
import type { GroupVersion } from './group-versions.ts';
import { pathsOf } from './openapi-paths.ts';
import { schemasOf } from './openapi-schemas.ts';
import { groupVersion } from '../resource.ts';

/** https://github.com/metadevpro/openapi3-ts was chosen for its types: a document that OpenAPI does not allow does not compile. */
export function openapiV3(served: GroupVersion): OpenAPIObject {
  const builder = OpenApiBuilder.create({
    openapi: '3.0.0',
    info: { title: 'Kylon', description: `The API ${groupVersion(served)}.`, version: served.version },
    paths: {},
  });
  for (const [path, item] of Object.entries(pathsOf(served))) builder.addPath(path, item);
  for (const [name, schema] of Object.entries(schemasOf(served))) builder.addSchema(name, schema);
  return builder.getSpec();
}

/** `GET /openapi/v3`: by each root, such as apis/backup.kylon.io/v1alpha1, where its document is and what hash it has. */
export function openapiV3Root(hashes: ReadonlyMap<string, string>) {
  return {
    paths: Object.fromEntries([...hashes].map(([root, hash]) => [root, { serverRelativeURL: `/openapi/v3/${root}?hash=${hash}` }])),
  };
}

/** Where the document of a group and version lies. */
export const openapiV3Path = (served: GroupVersion) => `/openapi/v3/${rootOf(served)}`;
