/** How Pods are made that copy volumes. compose.ts fills it; without it no volume can be copied. */
export interface MoverSetting {
  /** Name of the image that manifests/mover makes. */
  readonly image: string;
  /** URL by which a Pod reaches this process. */
  readonly address: string;
  /** PEM: whom a Pod trusts there. */
  readonly ca: string;
  /** Where Kylon is: Pods that are to delete run there, and not where users could read their Secret. */
  readonly namespace: string;
}
