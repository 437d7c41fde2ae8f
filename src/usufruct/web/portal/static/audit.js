// Counting one's records in the browser: the audit of core/proof/book.py once more, with the browser's own cryptography.
// Tests hold the two to the same findings. Nothing leaves the page: book and key are fetched from the node or read from a
// file, and what is remembered for the next time stays in this browser's storage.

class Wrong extends Error {}
const must = (holds, why) => { if (!holds) throw new Wrong(why); };

const utf8 = text => new TextEncoder().encode(text);
const join = (...parts) => {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
};
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
const same = (one, other) => hex(one) === hex(other);
const whole = number => Number.isSafeInteger(number) && number >= 0;

function fromHex(text) {
  must(typeof text === "string" && /^[0-9a-f]{64}$/.test(text), `“${String(text).slice(0, 100)}” is no hash`);
  return Uint8Array.from(text.match(/../g), pair => parseInt(pair, 16));
}

function fromBase64(text) {
  let found;
  try { found = atob(text); } catch { found = null; }
  must(found !== null && btoa(found) === text, `“${text.slice(0, 100)}” is not canonical base64`);
  return Uint8Array.from(found, character => character.charCodeAt(0));
}

// One value, one spelling: objects by sorted keys, whole numbers, text in NFC (core/base/canonical.py).
function canonical(value) {
  if (value === null || typeof value === "boolean") return JSON.stringify(value);
  if (typeof value === "number") { must(Number.isSafeInteger(value), "a number is not whole"); return String(value); }
  if (typeof value === "string") { must(value.normalize("NFC") === value, "a text is not in NFC"); return JSON.stringify(value); }
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  return `{${Object.keys(value).sort().map(name => `${canonical(name)}:${canonical(value[name])}`).join(",")}}`;
}

// ---- receipts: tlog-proof over a signed checkpoint, over a commitment (core/proof/receipt.py, checkpoint.py, tree.py)

function parseReceipt(text) {
  must(typeof text === "string" && text.includes("\n\n"), "the receipt is not in the form of tlog-proof");
  const at = text.indexOf("\n\n");
  const lines = text.slice(0, at).split("\n"), note = text.slice(at + 2);
  must(lines.shift() === "c2sp.org/tlog-proof@v1" && note, "the receipt is not in the form of tlog-proof");
  const extra = lines[0]?.startsWith("extra ") ? fromBase64(lines.shift().slice(6)) : null;
  must(lines[0]?.startsWith("index "), "the receipt does not say its index");
  const index = wholeNumber(lines.shift().slice(6)), proof = lines.map(fromBase64);
  must(proof.length <= 63 && proof.every(item => item.length === 32), "the receipt's path is no path");
  return {index, proof, note, extra};
}

function wholeNumber(text) {
  must(/^(0|[1-9][0-9]{0,18})$/.test(text) && Number.isSafeInteger(Number(text)), `“${text.slice(0, 100)}” is no whole number`);
  return Number(text);
}

async function parseKey(vkey) {
  const parts = String(vkey).split("+"), name = parts.shift(), id = parts.shift(), key = fromBase64(parts.join("+"));
  must(name && !/\s/.test(name) && key.length === 33 && key[0] === 1, "the journal's key is not an Ed25519 verifier key");
  must(hex((await sha256(utf8(`${name}\n`), key)).slice(0, 4)) === id, "the journal's key does not fit its own name");
  return {name, id, public: key.slice(1)};
}

// The text of a note, if the key signed it; `verify` is null where the browser cannot check signatures.
async function openNote(note, key, verify) {
  must(!/[\x00-\x09\x0b-\x1f]|\p{Surrogate}/u.test(note), "the checkpoint is not plain text");
  const at = note.lastIndexOf("\n\n");
  must(at >= 0 && note.endsWith("\n") && note.length > at + 2, "the checkpoint is not a signed note");
  const body = note.slice(0, at + 1), lines = note.slice(at + 2, -1).split("\n");
  must(lines.length <= 100, "the checkpoint has too many signatures");
  let signed = 0;
  for (const line of lines) {
    const found = /^\u2014 ([^\s+]+) (\S+)$/.exec(line);
    must(found, "a signature line of the checkpoint cannot be read");
    const blob = fromBase64(found[2]);
    must(blob.length > 4, "a signature line of the checkpoint is empty");
    if (found[1] !== key.name || hex(blob.slice(0, 4)) !== key.id) continue;
    must(blob.length === 68 && (!verify || await verify(blob.slice(4), utf8(body))), "the checkpoint's signature is not valid");
    signed += 1;
  }
  must(signed, "the checkpoint is not signed by the journal's key");
  return body;
}

function parseCheckpoint(body) {
  const lines = body.split("\n");
  must(lines.length === 4 && lines[0] && !lines[3], "the checkpoint does not have three lines");
  const root = fromBase64(lines[2]);
  must(root.length === 32, "the checkpoint's root is no hash");
  return {origin: lines[0], size: wholeNumber(lines[1]), root};
}

const leafHash = entry => sha256([0], entry);
const nodeHash = (left, right) => sha256([1], left, right);

async function included(entry, index, size, proof, root) {
  let node = index, last = size - 1, current = await leafHash(entry);
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 || node === last) {
      current = await nodeHash(sibling, current);
      while (node && node % 2 === 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      current = await nodeHash(current, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && same(current, root);
}

async function checkReceipt(receipt, key, open) {
  const checkpoint = parseCheckpoint(await open(receipt.note));
  must(checkpoint.origin === key.name, "the checkpoint is of another journal");
  must(receipt.index < checkpoint.size, "the fact is not in the signed tree");
  must(receipt.extra && receipt.extra.length >= 32, "the receipt carries no opening");
  const leaf = await sha256(utf8("usufruct/leaf/v1\n"), receipt.extra);
  must(await included(leaf, receipt.index, checkpoint.size, receipt.proof, checkpoint.root), "the receipt does not lead to the signed root");
  return {leaf, record: new TextDecoder("utf-8", {fatal: true, ignoreBOM: true}).decode(receipt.extra.slice(32))};
}

// ---- slips and counts (core/proof/tally.py)

async function leadsTo(entry, place, path, root) {
  must(whole(place), "the place is no number");
  let current = await leafHash(entry);
  for (const sibling of path) {
    current = place % 2 ? await nodeHash(sibling, current) : await nodeHash(current, sibling);
    place = Math.floor(place / 2);
  }
  return place === 0 && same(current, root);
}

// The audit of a book: how many records there are, which are withheld, what is wrong, and what to keep for the next time.
export async function audit(book, key, now, kept = null) {
  const flaws = [], held = [], flaw = (number, what) => flaws.push({number, what});
  const found = {count: 0, held, flaws, keep: null, signed: false};
  const journal = await parseKey(key.journal), secret = fromHex(key.key);
  const hmacKey = await crypto.subtle.importKey("raw", secret, {name: "HMAC", hash: "SHA-256"}, false, ["sign"]);
  const oneTime = async (what, number) => new Uint8Array(await crypto.subtle.sign("HMAC", hmacKey, utf8(`${what}/${number}`)));
  const salted = (domain, salt, value) => sha256(utf8(domain), salt, utf8(canonical(value)));
  const verify = await verifier(journal.public);
  found.signed = verify !== null;
  const notes = new Map(), roots = new Map(), heads = new Map();
  const open = async note => {
    if (!notes.has(note)) notes.set(note, await openNote(note, journal, verify));
    return notes.get(note);
  };
  const attempt = async (number, before, work) => {
    try { await work(); } catch (error) {
      if (!(error instanceof Wrong || [TypeError, SyntaxError, RangeError].some(kind => error instanceof kind))) throw error;
      flaw(number, before + error.message);
    }
  };

  async function epochRoots(number) {
    if (!roots.has(number)) {
      must(Object.hasOwn(book.epochs, number), `epoch ${number} is not shown`);
      const {record} = await checkReceipt(parseReceipt(book.epochs[number]), journal, open);
      const value = JSON.parse(record);
      must(canonical(value) === record && value.kind === "epoch.closed/1", "the receipt is not of an epoch");
      must(value.fact.number === number, `the receipt is of epoch ${value.fact.number}`);
      roots.set(number, [fromHex(value.fact.slips), fromHex(value.fact.counts)]);
    }
    return roots.get(number);
  }

  async function readNewest({epoch, count, head, place, path}) {
    must(whole(epoch) && whole(count), "it is not a number");
    const said = {epoch, count, head: hex(fromHex(head))};
    const entry = join(await oneTime("epoch", epoch), await salted("usufruct/count/v1\n", await oneTime("count", epoch), said));
    must(await leadsTo(entry, place, path.map(fromHex), (await epochRoots(epoch))[1]), `the path does not lead to the root of epoch ${epoch}`);
    found.count = count;
    found.keep = {epoch, count, head, checkpoint: parseReceipt(book.epochs[epoch]).note};
  }

  async function readRecord(number, shown) {
    const slip = shown.slip;
    must(canonical(Object.keys(slip).sort()) === '["body","ground","number","previous","tag","until"]', "it has no slip");
    const head = await salted("usufruct/slip/v1\n", await oneTime("slip", number), slip);
    const tag = await oneTime("tag", number);
    must(slip.tag === hex(tag), "its tag is not yours");
    const root = (await epochRoots(shown.epoch))[0];
    must(await leadsTo(join(tag, head), shown.place, shown.path.map(fromHex), root), "it is not the record that was rooted under this number");
    heads.set(number + 1, hex(head));
    must(!heads.has(number) || slip.previous === heads.get(number), "it does not follow the record before it");
    if (shown.body === null) {
      must(slip.ground, "it is withheld without a ground");
      must(isInstant(slip.until), "it is withheld without an end");
      must(slip.until > now, `it is withheld, though the hold ended ${slip.until}`);
      held.push(number);
      return;
    }
    const {entry, leaf, part, nonce} = shown.body;
    const body = hex(await salted("usufruct/body/v1\n", fromHex(nonce), {entry, leaf, part}));
    must(body === slip.body, "what is shown is not what its slip committed to");
    const receipt = parseReceipt(shown.receipt), opened = await checkReceipt(receipt, journal, open);
    must(receipt.index === entry && hex(opened.leaf) === leaf, "the fact that is shown is not the one its slip names");
  }

  function shownByNumber() {
    const shown = new Map();
    for (const record of Array.isArray(book.records) ? book.records : []) {
      const number = record?.slip?.number;
      if (!whole(number) || number >= found.count) flaw(null, "a record is shown under a number that the count does not have");
      else if (shown.has(number)) flaw(number, "is shown twice");
      else shown.set(number, record);
    }
    return shown;
  }

  async function compare() {
    if (!kept) return;
    if (found.keep.epoch < kept.epoch) flaw(null, `the count is of epoch ${found.keep.epoch}, though you were shown that of ${kept.epoch} before`);
    for (let number = found.count; number < kept.count; number++) flaw(number, "is missing: you were shown it before");
    if (heads.has(kept.count) && heads.get(kept.count) !== kept.head) {
      flaw(kept.count ? kept.count - 1 : null, "or one before it is not as you were shown it before");
    }
    await attempt(null, "the checkpoint that was kept cannot be read: ", async () => {
      const before = parseCheckpoint(await open(kept.checkpoint)), after = parseCheckpoint(await open(found.keep.checkpoint));
      if (before.size === after.size && !same(before.root, after.root)) flaw(null, "the journal was forked: two roots are signed for one size");
    });
  }

  book = book !== null && typeof book === "object" && !Array.isArray(book) ? book : {};
  if (book.person !== key.person) flaw(null, "the book is of another person than the key");
  if (book.origin !== journal.name) flaw(null, "the book is of another journal than the key");
  if (book.newest === undefined || book.newest === null) {
    if (kept) flaw(null, `no count is shown, though you had ${kept.count} records before`);
    else if (book.records?.length || Object.keys(book.epochs ?? {}).length) flaw(null, "records are shown, but not how many there must be");
    return found;
  }
  await attempt(null, "the count of your records is not what the journal rooted: ", () => readNewest(book.newest));
  if (!found.keep) return found;
  heads.set(0, hex(await sha256(utf8("usufruct/tally/v1\n"))));
  const shown = shownByNumber(), most = shown.size + 1000;  // so that a count without end does not hang this page
  for (let number = 0; number < Math.min(found.count, most); number++) {
    if (!shown.has(number)) flaw(number, "is missing");
    else await attempt(number, "was altered, or another is shown in its place: ", () => readRecord(number, shown.get(number)));
  }
  if (found.count > most) flaw(null, `there must be ${found.count} records; those that are missing are too many to name`);
  if (heads.get(found.count) !== book.newest.head && flaws.every(one => one.number === null)) {
    flaw(found.count ? found.count - 1 : null, "the chain of records does not end where the journal says");
  }
  await compare();
  return found;
}

function isInstant(text) {
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) ? Date.parse(text) : NaN;
  return !Number.isNaN(time) && new Date(time).toISOString() === text;
}

// Checks signatures by a key, if this browser knows Ed25519; else null.
async function verifier(raw) {
  try {
    const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
    return (signature, message) => crypto.subtle.verify("Ed25519", key, signature, message);
  } catch { return null; }
}

// ---- the page

const part = globalThis.document?.getElementById("check");

async function fetched(address) {
  const answer = await fetch(address);
  must(answer.ok, "the node did not answer; log in again, or come back later");
  return answer.json();
}

async function keyOf(input) {
  const file = input.files[0];
  if (!file) return fetched("/api/v1/me/key");
  try {
    const key = JSON.parse(await file.text());
    await parseKey(key.journal);
    fromHex(key.key);
    return key;
  } catch { throw new Wrong("the file you chose is not a key file"); }
}

function remembered(name) {
  try { return JSON.parse(localStorage.getItem(name)); } catch { return null; }
}

function remember(name, keep) {
  try { localStorage.setItem(name, JSON.stringify(keep)); return true; } catch { return false; }
}

function say(list, ...sentences) {
  list.replaceChildren(...sentences.filter(Boolean).map(text => {
    const line = document.createElement("p");
    line.textContent = text;
    return line;
  }));
}

function mark(found) {
  const wrong = new Map(found.flaws.toReversed().filter(one => one.number !== null).map(one => [one.number, one.what]));
  for (const cell of document.querySelectorAll("[data-record]")) {
    const number = Number(cell.dataset.record), what = wrong.get(number);
    const word = what === undefined ? (number >= found.count ? "not counted yet" : found.held.includes(number) ? "withheld" : "fine")
      : what.startsWith("is missing") ? "missing" : "altered";
    cell.textContent = found.keep || what !== undefined ? word : "not checked";
    cell.className = what === undefined ? "" : "wrong";
  }
}

function report(found, chosen, kept, stored) {
  const counted = `The journal says that there ${found.count === 1 ? "is 1 record" : `are ${found.count} records`} about you`;
  const verdict = found.flaws.length ? "NOT SOUND. Something is wrong with your records."
    : found.keep ? `Sound: ${counted[0].toLowerCase()}${counted.slice(1)}, and every one is there, as it was made.`
    : "Nothing is counted yet: your records wait for the next epoch.";
  return [
    verdict,
    ...found.flaws.slice(0, 50).map(one => `${one.number === null ? "" : `Record ${one.number} `}${one.what}.`),
    found.flaws.length > 50 && `And ${found.flaws.length - 50} more.`,
    found.flaws.length && found.keep && `${counted}.`,
    !found.signed && "The journal's signature was NOT checked: this browser does not know Ed25519. Check it with the command below, or with another browser.",
    !chosen && "You chose no key file, so the node gave the key. That only shows whether the node is true to itself; to see whether it is true to you, choose the key file that you saved earlier.",
    found.keep && !found.flaws.length && (stored ? (kept ? "Compared with what this browser remembered, and remembered for the next time." : "Remembered in this browser, to be compared the next time.")
      : "This browser does not let the page remember anything, so the next check cannot be compared with this one."),
  ];
}

async function run() {
  const button = part.querySelector("button"), result = part.querySelector("[role=status]"), input = part.querySelector("input");
  button.disabled = true;
  result.className = "";
  say(result, "Checking…");
  try {
    must(globalThis.crypto?.subtle, "this browser checks only on pages that come over https; use the command below");
    const key = await keyOf(input), book = await fetched("/api/v1/me/book"), name = `usufruct audit ${key.journal} ${key.person}`;
    const kept = remembered(name), found = await audit(book, key, new Date().toISOString(), kept);
    const sound = !found.flaws.length, stored = sound && found.keep !== null && remember(name, found.keep);
    result.className = sound ? "done" : "errors";
    say(result, ...report(found, input.files.length > 0, kept, stored));
    mark(found);
  } catch (error) {
    result.className = "errors";
    say(result, `Nothing was checked: ${error.message}.`);
  }
  button.disabled = false;
}

if (part) {
  part.hidden = false;
  part.querySelector("button").addEventListener("click", run);
}
