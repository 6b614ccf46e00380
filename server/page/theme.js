// theme.js - dark or light, before anything is drawn: a classic script in the head, so
// that nobody in a dark room sees a white page first. Dark unless light was chosen.
"use strict";
(() => {
  let theme = "dark";
  try {
    if (localStorage.getItem(`plainfilm${location.pathname}theme`) === '"light"') theme = "light";
  } catch {
    // a browser that keeps nothing: dark
  }
  document.documentElement.dataset.theme = theme;
  document.querySelector("meta[name=color-scheme]").content = theme;
})();
