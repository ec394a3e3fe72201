/** Memory outside of V8's heap, given back before the collector would. */

/**
 * Nobody may read the bytes afterwards. V8 counts such memory, and goes through the whole heap for every 10 MiB of it; a stream of bodies that
 * are read and dropped has it do little else. A part of something larger stays: it may not be ours alone.
 */
export function handBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
