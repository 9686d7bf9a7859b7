// What is tested without a gateway: it imports nothing of the contract.

// The settings in the JSON text of the object under `plugin/http-client`.
// Throws the reason why they cannot be used, beginning with the key.
export function read(text) {
  const { greeting } = JSON.parse(text);
  if (typeof greeting !== 'string') {
    throw 'greeting: must be a text';
  }
  return { greeting: utf8(greeting) };
}

// Field values are bytes. QuickJS has no TextEncoder.
export function utf8(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text)), (c) => c.charCodeAt(0));
}
