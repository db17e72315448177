"""Nothing on a built site is loaded from another host: `python docs/check_site.py build/site`, once it is built."""

import re
import sys
from pathlib import Path

LOADED = re.compile(r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//[^"'>\s]+
                      | <link\b(?=[^>]*\brel=["']?(?:style|pre|icon))[^>]*\bhref=["']?(?:https?:)?//[^"'>\s]+
                      | @import\s+(?:url\()?["']?(?:https?:)?//[^"')\s]+
                      | url\(["']?(?:https?:)?//[^"')\s]+""", re.VERBOSE)  # fmt: skip


def foreign(site: Path) -> list[str]:
    """What pages and style sheets load from elsewhere, with the file that does."""
    files = [file for kind in ("*.html", "*.css") for file in sorted(site.rglob(kind))]
    return [f"{file.relative_to(site)}: {found}" for file in files for found in LOADED.findall(file.read_text("utf-8"))]


if __name__ == "__main__":
    pages = list(Path(sys.argv[1]).rglob("*.html"))
    faults = foreign(Path(sys.argv[1])) or ([] if pages else [f"{sys.argv[1]}: no pages"])
    print("\n".join(faults) or f"{len(pages)} pages, nothing is loaded from elsewhere")
    sys.exit(bool(faults))
