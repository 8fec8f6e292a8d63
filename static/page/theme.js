// Light, dark, or as the system says.

const KEY = "boardcast.theme";
export const THEMES = ["auto", "light", "dark"];

export function theme() {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.includes(kept) ? kept : "auto";
  } catch {
    return "auto";
  }
}

export function setTheme(name) {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // it holds for this page then
  }
  document.documentElement.dataset.theme = name;
}

export function applyTheme() {
  document.documentElement.dataset.theme = theme();
}
