// Makes form fields from a JSON Schema and keeps the JSON text in step with them. The text is what is sent.
const form = document.getElementById("start");
const text = document.getElementById("input");
const raw = document.getElementById("raw");
const rawFault = document.getElementById("raw-fault");
const { schema, $defs } = JSON.parse(form.dataset.schema);
const DEEPEST = 24;
let counter = 0;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function resolve(part) {
  for (let n = 0; part && part.$ref && n < 50; n += 1) part = $defs[decodeURIComponent(part.$ref.replace("#/$defs/", ""))];
  return part ?? {};
}

function titleOf(part) {
  return part && part.$ref ? part.$ref.split("/").pop() : "";
}

// Each maker returns { node, get, set }: get() is the field's value, set(value) shows one.
function make(part, name, depth) {
  const found = resolve(part);
  const choices = found.anyOf ?? found.oneOf;
  if (depth > DEEPEST) return makeText(found, name);
  if (choices) return makeChoice(choices, name, depth);
  if (Array.isArray(found.type)) return makeChoice(found.type.map((type) => ({ ...found, type })), name, depth);
  if ("const" in found) return makeEnum([found.const], name, found);
  if (found.enum) return makeEnum(found.enum, name, found);
  if (found.type === "object" && found.properties) return makeObject(found, name, depth, titleOf(part));
  if (found.type === "array" && found.items && !found.prefixItems) return makeList(found, name, depth);
  if (found.type === "boolean") return makeBoolean(found, name);
  if (found.type === "integer" || found.type === "number") return makeNumber(found, name);
  if (found.type === "string") return makeString(found, name);
  if (found.type === "null") return { node: element("p", { className: "dim", textContent: `${name}: nothing` }), get: () => null, set() {} };
  return makeText(found, name);
}

function field(name, input, part) {
  input.id = `field-${(counter += 1)}`;
  const node = element("div", { className: "field" }, element("label", { htmlFor: input.id, textContent: name || "Input" }), input);
  if (part.description) {
    const help = element("p", { className: "dim", id: `${input.id}-help`, textContent: part.description });
    input.setAttribute("aria-describedby", help.id);
    node.append(help);
  }
  return node;
}

function makeString(part, name) {
  const input = element("input", { type: "text", autocomplete: "off" });
  return { node: field(name, input, part), get: () => input.value, set: (value) => (input.value = value ?? "") };
}

function makeNumber(part, name) {
  const whole = part.type === "integer";
  const input = element("input", { type: "text", inputMode: whole ? "numeric" : "decimal", autocomplete: "off", value: "0" });
  const get = () => {
    const value = input.value.trim();
    const isNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(value);
    input.setAttribute("aria-invalid", String(!isNumber));
    return isNumber ? (whole && /^-?\d{16,}$/.test(value) ? new Exact(value) : Number(value)) : value;
  };
  return { node: field(name, input, part), get, set: (value) => (input.value = String(value ?? 0)) };
}

// An integer too large for a JavaScript number goes into the text digit by digit.
class Exact {
  constructor(digits) {
    this.digits = digits;
  }
}

function makeBoolean(part, name) {
  const input = element("input", { type: "checkbox" });
  return { node: field(name, input, part), get: () => input.checked, set: (value) => (input.checked = value === true) };
}

function makeEnum(values, name, part) {
  const input = element("select", {}, ...values.map((value, n) => element("option", { value: n, textContent: typeof value === "string" ? value : JSON.stringify(value) })));
  const set = (value) => (input.selectedIndex = Math.max(0, values.findIndex((one) => JSON.stringify(one) === JSON.stringify(value))));
  return { node: field(name, input, part), get: () => values[input.selectedIndex], set };
}

function makeText(part, name) {
  const input = element("textarea", { rows: 3, spellcheck: false, value: "null" });
  const get = () => {
    try {
      const value = JSON.parse(input.value);
      input.setAttribute("aria-invalid", "false");
      return value;
    } catch {
      input.setAttribute("aria-invalid", "true");
      return input.value;
    }
  };
  return { node: field(`${name} (JSON)`, input, part), get, set: (value) => (input.value = JSON.stringify(value ?? null, null, 2)) };
}

function makeObject(part, name, depth, title) {
  const node = element("fieldset", {}, element("legend", { textContent: name || title || "Input" }));
  if (part.description) node.append(element("p", { className: "dim", textContent: part.description }));
  const required = new Set(part.required ?? []);
  const fields = Object.entries(part.properties).map(([key, inner]) => [key, required.has(key) ? make(inner, key, depth + 1) : makeOptional(inner, key, depth)]);
  for (const [, made] of fields) node.append(made.node);
  let others = {};
  const get = () => {
    const value = {};
    for (const [key, made] of fields) {
      const inner = made.get();
      if (inner !== undefined) Object.defineProperty(value, key, { value: inner, enumerable: true, writable: true, configurable: true });
    }
    return Object.assign(value, others);
  };
  const set = (value) => {
    const given = value && typeof value === "object" && !Array.isArray(value) ? value : {};
    for (const [key, made] of fields) made.set(Object.hasOwn(given, key) ? given[key] : undefined);
    others = Object.fromEntries(Object.entries(given).filter(([key]) => !Object.hasOwn(part.properties, key)));
  };
  return { node, get, set };
}

// A part of the form that is made when it is asked for, so that recursive types end.
function makeOptional(part, name, depth) {
  const node = element("div", { className: "optional" });
  let made = null;
  const show = (value) => {
    made = make(part, name, depth + 1);
    if (value !== undefined) made.set(value);
    const drop = element("button", { type: "button", className: "small quiet", textContent: "Leave out" });
    drop.setAttribute("aria-label", `Leave out ${name}`);
    drop.onclick = () => hide(true);
    node.replaceChildren(made.node, drop);
  };
  const hide = (isAsked) => {
    made = null;
    const add = element("button", { type: "button", className: "small", textContent: `Give ${name}` });
    add.onclick = () => {
      show();
      node.querySelector("input, select, textarea, button")?.focus();
      write();
    };
    node.replaceChildren(element("div", { className: "field" }, add));
    if (isAsked) {
      add.focus();
      write();
    }
  };
  hide(false);
  return { node, get: () => made?.get(), set: (value) => (value === undefined ? hide(false) : show(value)) };
}

function makeList(part, name, depth) {
  const node = element("fieldset", {}, element("legend", { textContent: name || "Items" }));
  const list = element("div");
  const add = element("button", { type: "button", className: "small", textContent: "Add an item" });
  let items = [];
  const push = (value) => {
    const inner = make(part.items, `${titleOf(part.items) || "item"} ${items.length + 1}`, depth + 1);
    if (value !== undefined) inner.set(value);
    const remove = element("button", { type: "button", className: "small", textContent: "Remove" });
    remove.setAttribute("aria-label", `Remove item ${items.length + 1} of ${name || "the list"}`);
    const item = { ...inner, row: element("div", { className: "item" }, element("div", { className: "inner" }, inner.node), remove) };
    remove.onclick = () => {
      const values = items.filter((one) => one !== item).map((one) => one.get());
      set(values);
      add.focus();
      write();
    };
    items.push(item);
    list.append(item.row);
    return item;
  };
  const set = (values) => {
    items = [];
    list.replaceChildren();
    for (const value of Array.isArray(values) ? values : []) push(value instanceof Exact ? value.digits : value);
  };
  add.onclick = () => {
    push().row.querySelector("input, select, textarea, button")?.focus();
    write();
  };
  add.setAttribute("aria-label", `Add an item to ${name || "the list"}`);
  node.append(list, add);
  return { node, get: () => items.map((item) => item.get()), set };
}

function fits(part, value) {
  const found = resolve(part);
  if ("const" in found) return found.const === value;
  if (found.enum) return found.enum.includes(value);
  const kind = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  return found.type === kind || (found.type === "integer" && Number.isInteger(value)) || (kind === "object" && Boolean(found.anyOf));
}

function makeChoice(parts, name, depth) {
  const words = (part) => titleOf(part) || { string: "text", boolean: "yes or no", null: "nothing" }[resolve(part).type] || resolve(part).type || "value";
  const picker = element("select", {}, ...parts.map((part, n) => element("option", { value: n, textContent: words(part) })));
  const place = element("div");
  let made = null;
  const show = (value) => {
    made = make(parts[picker.selectedIndex], name, depth + 1);
    if (value !== undefined) made.set(value);
    place.replaceChildren(made.node);
  };
  picker.onchange = () => show();
  const node = element("div", {}, field(`Kind of ${name || "input"}`, picker, {}), place);
  const set = (value) => {
    const index = parts.findIndex((part) => fits(part, value));
    picker.selectedIndex = Math.max(0, index);
    show(value);
  };
  show();
  return { node, get: () => made.get(), set };
}

function stringify(value) {
  const exact = [];
  const written = JSON.stringify(value, (_, one) => (one instanceof Exact ? `\u0000${exact.push(one.digits) - 1}` : one), 2);
  return (written ?? "null").replace(/"\\u0000(\d+)"/g, (_, n) => exact[n]);
}

const root = make(schema, "", 0);

function write() {
  text.value = stringify(root.get());
  rawFault.hidden = true;
}

function readText() {
  try {
    root.set(JSON.parse(text.value));
    rawFault.hidden = true;
  } catch (error) {
    rawFault.textContent = `This is not JSON: ${error.message}`;
    rawFault.hidden = false;
  }
}

document.getElementById("fields").append(root.node);
if (text.value.trim()) readText();
else write();
document.getElementById("fields").addEventListener("input", write);
document.getElementById("fields").addEventListener("change", write);
text.addEventListener("change", readText);
raw.open = Boolean(document.getElementById("fault"));
document.getElementById("fault")?.scrollIntoView({ block: "nearest" });
