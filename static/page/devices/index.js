// The devices of a board in the page, fetched when somebody asks for them: the list, one device, the part of a card.

import { CardDevice } from "./card-device.js";
import { DeviceDialog } from "./device-dialog.js";
import { DevicesPanel } from "./devices-panel.js";

/** `{list(), show(device, metric), card}` for one workspace; the style comes along. */
export async function openDevices(workspace) {
  await styled();
  const list = new DevicesPanel(workspace, { open: (device, metric) => one.open(device, metric) });
  const one = new DeviceDialog(workspace, { manage: (device, anchor) => list.manage(device, anchor) });
  const show = (device, metric) => one.open(device, metric);
  return { list: () => list.show(), show, card: new CardDevice(workspace, { showChart: show }) };
}

function styled() {
  const { href } = new URL("../../style/devices.css", import.meta.url);
  if (document.querySelector(`link[href="${CSS.escape(href)}"]`)) return Promise.resolve();
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  return new Promise((resolve) => {
    link.onload = link.onerror = resolve;
    document.head.append(link);
  });
}
