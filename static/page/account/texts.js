// The texts of these pages, beside those of the board (../texts): whoever only works on boards does not load them.

import english from "./texts/en.js";

export const TEXTS = { en: async () => english, "zh-CN": async () => (await import("./texts/zh-CN.js")).default };
