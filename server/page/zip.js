// zip.js - a zip archive of files as they are: pictures are compressed already. Names
// are UTF-8; all is in memory, so an archive has at most 4 GiB and 65,535 files.

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

export function crc32(bytes) {
  let c = 0xffffffff;
  for (const b of bytes) c = TABLE[(c ^ b) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** Little-endian fields: [bytes, value] each. */
function fields(...list) {
  const out = new Uint8Array(list.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [size, value] of list) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return out;
}

const FROM_1980 = 0x21; // 1 January 1980, the first day there is; no clock is told
const UTF8 = 0x800;

/** What both headers of a file have: version to how long its name is. */
const common = (file) => [[2, 20], [2, UTF8], [2, 0], [2, 0], [2, FROM_1980],
  [4, crc32(file.bytes)], [4, file.bytes.length], [4, file.bytes.length],
  [2, file.encoded.length], [2, 0]];

/** files: [{name, bytes: Uint8Array}]. */
export function zip(files) {
  const encoder = new TextEncoder();
  const front = [];
  const directory = [];
  let at = 0;
  let directorySize = 0;
  for (const { name, bytes } of files) {
    const file = { bytes, encoded: encoder.encode(name) };
    const head = fields([4, 0x04034b50], ...common(file));
    const entry = fields([4, 0x02014b50], [2, 20], ...common(file), [2, 0], [2, 0],
      [2, 0], [4, 0], [4, at]);
    front.push(head, file.encoded, bytes);
    directory.push(entry, file.encoded);
    at += head.length + file.encoded.length + bytes.length;
    directorySize += entry.length + file.encoded.length;
  }
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, files.length],
    [2, files.length], [4, directorySize], [4, at], [2, 0]);
  return new Blob([...front, ...directory, end], { type: "application/zip" });
}
