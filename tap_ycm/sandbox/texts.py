"""What the rows of the sandbox are made of: words that are hard on what carries them, and choices among them."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

PEOPLE = (
    ("Leo", "Ball"),
    ("Naomi", "Nicholas"),
    ("José", "Muñoz Ibáñez"),
    ("Zoë", "O'Brien-Łukasik"),
    ("Jürgen", "Groß"),
    ("Søren", "Ångström"),
    ("Nguyễn", "Thị Hoa"),
    ("李", "小龙"),
    ("美咲", "髙橋"),
    ("지우", "김"),
    ("Анна", "Щербакова"),
    ("Ελένη", "Παπαδοπούλου"),
    ("محمد", "الأحمد"),
    ("נועה", "לוי"),
    ("प्रिया", "शर्मा"),
    ("Renée", "d'Arc"),
    ('William "Bill"', "Smith, Jr."),
    ("İbrahim", "Yıldız"),  # noqa: RUF001 - Turkish
)
COMPANIES = (
    "Example company",
    "Müller & Söhne GmbH",
    'Acme "Voice" Ltd.',
    "厦门示例科技有限公司",
    "ООО «Пример»",  # noqa: RUF001 - Russian
    "株式会社サンプル",
    "Café Olé, S.A.",
    "Rocket 🚀 Telecom",
    "R&D \\ Partners",
    "<b>Bold</b> Networks",
)
CITIES = (
    ("361000", "Xiamen", "Fujian", "China"),
    ("10115", "Berlin", "Berlin", "Germany"),
    ("SW1A 1AA", "London", "England", "United Kingdom"),
    ("01310-100", "São Paulo", "SP", "Brazil"),
    ("100-0001", "東京", "東京都", "Japan"),
    ("101000", "Москва", "Москва", "Россия"),
    ("00100", "Nairobi", "", "Kenya"),
    ("02108", "Boston", "MA", "USA"),
)
STREETS = ("Main St.", "Gagarin-Allee", "中山路", "Rua 25 de Março", "ул. Ленина")
REMARKS = (
    "VIP 🎉",
    'Said "call back", twice',
    "line one\nline two",
    "a\tb\tc",
    "see C:\\old\\notes.txt",
    "{'not': 'json'}",
    "zażółć; gęślą, jaźń",
    "family 👨‍👩‍👧‍👦 plan",
    "  spaces kept  ",
    "N/A",
    "null",
    "2024-02-30",
)
PHONES = ("136160{:05}", "+49 30 {:05}", "(617) 55{:05}", "00{:05}", "+86-592-{:05}")
REGIONS = ("China(GuangDong)", "China(Shanghai)", "India(Mumbai)", "Asia Pacific(Singapore)", "Europe(Frankfurt)")
ITSPS = (
    ("United States", "Aasani"),
    ("Germany", "Sprachnetz Süd"),
    ("France", "Téléphonie d'Oc"),
    ("China", "示例电信"),
)
PLACES = ("London", "Zürich", "東京", "São Paulo", "Wien", "Köln", "Paris", "Łódź")


class Draw:
    """Choices that depend on a word and on nothing else.

    A hash gives them, not `random`, which takes ten times longer to seed and may
    change between Python versions.
    """

    __slots__ = ("_rest",)

    def __init__(self, word: str) -> None:
        """Prepare the choices of a word."""
        self._rest = int.from_bytes(blake2b(word.encode(), digest_size=48).digest(), "big")

    def pick(self, choices: int) -> int:
        """Choose a number from 0, below `choices`."""
        self._rest, choice = divmod(self._rest, choices)
        return choice

    def one(self, of: Sequence[T]) -> T:
        """Choose one of several."""
        return of[self.pick(len(of))]

    def some(self, of: Sequence[T], most: int, least: int = 0) -> list[T]:
        """Choose some, each once; none if there are none."""
        if not of:
            return []
        return list(dict.fromkeys(self.one(of) for _ in range(least + self.pick(most - least + 1))))
