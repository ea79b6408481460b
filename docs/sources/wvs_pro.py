"""Makes the tables of ``analysis/populations/wvs-pro-13``.

    python docs/sources/wvs_pro.py SHARES.csv [FOLDER]

SHARES.csv has the columns cntry_an, question_key, pro_score, lnge_iso. Figures are copied digit by digit. SOURCE.toml
is written by hand.
"""

from __future__ import annotations

from pathlib import Path

from places import Row, arguments, by_name, country, part, read, write


def place(sample: str) -> Row:
    """Whose figures a row has. The sample GB leaves Northern Ireland out, which has one of its own."""
    if sample == "NIR":
        return part("GBR", sample, "Northern Ireland")
    return country(sample, sample, "Great Britain" if sample == "GB" else "")


def tables(path: Path) -> dict[str, list[Row]]:
    """The samples, and the share of each that is for what each item asks."""
    rows = read(path)
    languages = {row["cntry_an"]: row["lnge_iso"] for row in rows}
    items = {sample: sum(row["cntry_an"] == sample for row in rows) for sample in languages}
    samples = [place(sample) | {"language": tag, "items": items[sample]} for sample, tag in languages.items()]
    ordered = sorted(rows, key=lambda row: (row["cntry_an"], row["question_key"]))
    shares: list[Row] = [
        {"sample": row["cntry_an"], "item": row["question_key"], "pro": row["pro_score"]} for row in ordered
    ]
    return {"samples": by_name(samples), "shares": shares}


if __name__ == "__main__":
    source, folder = arguments("wvs-pro-13", __doc__)
    write(folder, tables(source))
