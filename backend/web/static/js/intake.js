/** The ways in which a photo comes: a sample, a chosen file, a dropped one, a pasted one. */

import { upload } from "./api.js";

/** @typedef {import("./session.js").Photo} Photo */

/**
 * Send a photo to the server and decode it for the screen.
 * @param {Blob} file
 * @param {string} name
 * @returns {Promise<Photo>} rejects with one line for the person in front of the page
 */
export async function readPhoto(file, name) {
  // Decoding for the screen goes on meanwhile; what the server says about a broken file is the better explanation.
  const decoding = createImageBitmap(file).catch(() => null);
  const answer = await upload(file);
  const bitmap = await decoding;
  if (!bitmap) throw new Error("The server can read this image, but this browser cannot show it. Save it as JPEG or PNG.");
  return { file, name, bitmap, ...answer };
}

/**
 * @param {string} address
 * @returns {Promise<Blob>}
 */
export async function fetchSample(address) {
  const response = await fetch(address).catch(() => null);
  if (!response?.ok) throw new Error("The sample photo could not be loaded. Check that the server is running, then try again.");
  return response.blob();
}

/**
 * @param {object} places
 * @param {HTMLInputElement} places.chooser
 * @param {HTMLElement} places.dropZone shows by its class "dropping" that a file may be let go
 * @param {(file: File) => void} open
 * @param {(message: string) => void} complain
 */
export function listenForFiles({ chooser, dropZone }, open, complain) {
  chooser.addEventListener("change", () => {
    const file = chooser.files?.[0];
    if (file) open(file);
    // So that the same file can be chosen again.
    chooser.value = "";
  });
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) open(file);
    else complain("There is no image in the clipboard. Copy an image, then paste again.");
  });
  listenForDrops(dropZone, open, complain);
}

/**
 * @param {HTMLElement} dropZone
 * @param {(file: File) => void} open
 * @param {(message: string) => void} complain
 */
function listenForDrops(dropZone, open, complain) {
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    dropZone.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) dropZone.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    dropZone.classList.remove("dropping");
    const file = event.dataTransfer?.files[0];
    if (file) open(file);
    else complain("That was no file. Save the image first, then drop the file here.");
  });
}
