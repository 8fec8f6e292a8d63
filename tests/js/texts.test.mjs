import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import englishOfAccounts from "../../static/page/account/texts/en.js";
import chineseOfAccounts from "../../static/page/account/texts/zh-CN.js";
import englishOfBoards from "../../static/page/texts/en.js";
import chineseOfBoards from "../../static/page/texts/zh-CN.js";

const english = { ...englishOfBoards, ...englishOfAccounts };
const chinese = { ...chineseOfBoards, ...chineseOfAccounts };

const PAGE = new URL("../../static/page/", import.meta.url);
const parts = (text) => (typeof text === "string" ? [text] : Object.values(text));
const holes = (text) => [...new Set(parts(text).flatMap((part) => part.match(/\{\w+\}/g) ?? []))].sort();

test("each text is there in both languages", () => {
  assert.deepEqual(Object.keys(chinese).sort(), Object.keys(english).sort());
});

test("a translation fills in nothing that the English text does not have", () => {
  for (const [key, text] of Object.entries(chinese)) {
    for (const hole of holes(text)) assert.ok(holes(english[key]).includes(hole) || hole === "{n}", `${key}: ${hole}`);
  }
});

test("a plural has all forms of its language", () => {
  for (const [language, texts] of [["en", english], ["zh-CN", chinese]]) {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const [key, text] of Object.entries(texts)) {
      if (typeof text === "object") for (const form of forms) assert.equal(typeof text[form], "string", `${language} ${key} ${form}`);
    }
  }
});

test("no text is in two places", () => {
  assert.deepEqual(Object.keys(englishOfAccounts).filter((key) => key in englishOfBoards), []);
});

test("the page of a board has all its own texts", () => {
  const modules = readdirSync(PAGE, { recursive: true }).filter((name) => name.endsWith(".js") && !/texts|^account/.test(name));
  for (const name of modules) {
    const source = readFileSync(new URL(name, PAGE), "utf8");
    for (const [, key] of source.matchAll(/\bt\("([^"]+)"/g)) assert.ok(key in englishOfBoards, `${name}: ${key}`);
  }
});

test("each text that the page asks for by name is there", () => {
  const modules = readdirSync(PAGE, { recursive: true }).filter((name) => name.endsWith(".js") && !name.includes("texts"));
  assert.ok(modules.length > 20);
  for (const name of modules) {
    const source = readFileSync(new URL(name, PAGE), "utf8");
    for (const [, key] of source.matchAll(/\bt\("([^"]+)"/g)) assert.ok(key in english, `${name}: ${key}`);
  }
});
