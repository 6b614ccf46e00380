// asked.js - the pictures that were asked with, to be seen again beside what was found.
//
// The server keeps a picture's vector under a hash and gives no picture back. A small
// copy stays in this tab (sessionStorage), drawn on canvases: so no policy has to allow
// pictures from anywhere but the server.

const SIDE = 640;
const bitmaps = new Map(); // hash -> canvas

function shrunk(bitmap) {
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Keep what `file` shows. What the browser cannot draw (DICOM) has no copy. */
export async function keep(hash, file) {
  try {
    const canvas = shrunk(await createImageBitmap(file));
    bitmaps.set(hash, canvas);
    sessionStorage.setItem(`plainfilm.asked.${hash}`,
      canvas.toDataURL("image/jpeg", 0.8).split(",")[1]);
  } catch {
    // not drawable, or no room: it is asked with all the same
  }
}

async function recall(hash) {
  const kept = sessionStorage.getItem(`plainfilm.asked.${hash}`);
  if (!bitmaps.has(hash) && kept) {
    const bytes = Uint8Array.from(atob(kept), (c) => c.charCodeAt(0));
    bitmaps.set(hash, shrunk(await createImageBitmap(new Blob([bytes]))));
  }
  return bitmaps.get(hash);
}

/** A canvas with the picture, empty until it is there and for good if it is not. */
export function drawing(hash, label) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  recall(hash).then((picture) => {
    if (!picture) return;
    canvas.width = picture.width;
    canvas.height = picture.height;
    canvas.getContext("2d").drawImage(picture, 0, 0);
  }).catch(() => {});
  return canvas;
}
