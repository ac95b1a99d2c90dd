"""A small script as a bundler made it of two files (esbuild 0.28 with `--bundle --minify --sourcemap`), and what became of an error in it.

`PLACES` is what Node's own reader of source maps says of some columns of its only line of code.
"""

from __future__ import annotations

import json
from typing import Any

SCRIPT = (
    "(()=>{function r(i){let n=0;for(let e of i){if(e.price===null)throw new TypeError(`no price of ${e.n"
    'ame}`);n+=e.price}return n}var o=[{name:"tea",price:3},{name:"cup",price:null}];function t(){console'
    ".log(r(o))}t();})();"
    "\n//# sourceMappingURL=app.js.map\n"
)
CART = """\
export interface Line {
  name: string;
  price: number | null;
}

// The sum of what is in the cart.
export function sumOfCart(lines: Line[]): number {
  let total = 0;
  for (const line of lines) {
    if (line.price === null) {
      throw new TypeError(`no price of ${line.name}`);
    }
    total += line.price;
  }
  return total;
}
"""
MAIN = """\
import { Line, sumOfCart } from "./cart";

const lines: Line[] = [
  { name: "tea", price: 3 },
  { name: "cup", price: null },
];

function checkOut(): void {
  console.log(sumOfCart(lines));
}

checkOut();
"""
MAP: dict[str, Any] = {
    "version": 3,
    "sources": ["../src/cart.ts", "../src/main.ts"],
    "sourcesContent": [CART, MAIN],
    "mappings": (
        "MAMO,SAASA,EAAUC,EAAuB,CAC/C,IAAIC,EAAQ,EACZ,QAAWC,KAAQF,EAAO,CACxB,GAAIE,EAAK,QAAU,KACjB,"
        "MAAM,IAAI,UAAU,eAAeA,EAAK,IAAI,EAAE,EAEhDD,GAASC,EAAK,KAChB,CACA,OAAOD,CACT,CCbA,IAAME,EAA"
        "gB,CACpB,CAAE,KAAM,MAAO,MAAO,CAAE,EACxB,CAAE,KAAM,MAAO,MAAO,IAAK,CAC7B,EAEA,SAASC,GAAiB,CA"
        "CxB,QAAQ,IAAIC,EAAUF,CAAK,CAAC,CAC9B,CAEAC,EAAS"
    ),
    "names": ["sumOfCart", "lines", "total", "line", "lines", "checkOut", "sumOfCart"],
}
PLACES: dict[int, tuple[str, int, int, str | None] | None] = {
    1: None,
    6: None,
    15: ("../src/cart.ts", 7, 8, None),
    17: ("../src/cart.ts", 7, 17, "sumOfCart"),
    63: ("../src/cart.ts", 11, 7, None),
    69: ("../src/cart.ts", 11, 13, None),
    75: ("../src/cart.ts", 11, 17, None),
    88: ("../src/cart.ts", 11, 27, None),
    206: ("../src/main.ts", 9, 15, "sumOfCart"),
    212: ("../src/main.ts", 12, 1, "checkOut"),
}
THROWN: list[tuple[str | None, int]] = [(None, 212), ("t", 206), ("r", 69)]
"""Function and column of each frame as V8 tells them, the oldest first."""


def map_bytes(**members: Any) -> bytes:
    """The map with these members."""
    return json.dumps({**MAP, **members}).encode()
