/** Which way the page runs, and numbers and formulas kept from left to right in it. */

import { computed } from "@preact/signals";
import { language } from "../i18n/t";

/** Whether the page runs from right to left, and graphs with it. */
export const mirrored = computed(() => language.value.direction === "rtl");

/** A number or formula inside an SVG text of the page's direction; there is no <bdi> in SVG. */
export const isolate = (text: string): string => (mirrored.value && text ? `\u2066${text}\u2069` : text);
