/** Memory outside of V8's heap, given back before the collector would. */

/**
 * Nobody may read the bytes afterwards, the operating system neither: it is not for what was given to a socket or a file. V8 counts such
 * memory, and goes through the whole heap for every 10 MiB of it; a stream of bodies that are read and dropped has it do little else. A part of
 * something larger stays: it may not be ours alone.
 */
export function handBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
