"""The words of invented companies and people."""

from __future__ import annotations

from typing import NamedTuple


class City(NamedTuple):
    """A city, with the parts of an address and a phone number there."""

    city: str
    state: str
    postal_code: str
    country: str
    country_as_sent: str
    phone: str
    currency: str
    timezone: str


PLACES = (
    City("Springfield", "IL", "62701", "US", "US", "+1 217 555 01{:02d}", "USD", "America/Chicago"),
    City(
        "Portland", "OR", "97201", "US", "United States", "+1 503 555 01{:02d}", "USD", "America/Los_Angeles"
    ),
    City("London", "", "EC1A 1BB", "GB", "United Kingdom", "+44 20 7946 00{:02d}", "GBP", "Europe/London"),
    City("München", "Bayern", "80331", "DE", "DE", "+49 89 1234 56{:02d}", "EUR", "Europe/Berlin"),
    City("Lyon", "", "69001", "FR", "France", "+33 4 72 00 00 {:02d}", "EUR", "Europe/Paris"),
    City(
        "Dar es Salaam", "", "11101", "TZ", "Tanzania", "+255 22 211 00{:02d}", "TZS", "Africa/Dar_es_Salaam"
    ),
    City("Kuwait City", "", "13001", "KW", "KW", "+965 2240 00{:02d}", "KWD", "Asia/Kuwait"),
    City("東京", "東京都", "100-0001", "JP", "Japan", "+81 3 1234 56{:02d}", "JPY", "Asia/Tokyo"),
    City("São Paulo", "SP", "01310-100", "BR", "Brazil", "+55 11 3000 00{:02d}", "BRL", "America/Sao_Paulo"),
    City("Bengaluru", "KA", "560001", "IN", "IN", "+91 80 2200 00{:02d}", "INR", "Asia/Kolkata"),
)

FIRST_WORDS = (
    "Amber", "Birch", "Cobalt", "Delta", "Ember", "Fjord", "Granite", "Harbor", "Iris", "Juniper", "Kestrel",
    "Lumen", "Maple", "Nimbus", "Orchard", "Prairie", "Quartz", "Riverside", "Saffron", "Tundra", "Umbra",
    "Verdant", "Willow", "Yarrow", "Zephyr",
)  # fmt: skip
SECOND_WORDS = (
    "Analytics", "Bakery", "Components", "Design", "Energy", "Foods", "Freight", "Gardens", "Health", "Insurance",
    "Kitchens", "Labs", "Logistics", "Media", "Mobility", "Optics", "Outfitters", "Press", "Robotics", "Software",
    "Textiles", "Travel", "Ventures", "Water", "Works",
)  # fmt: skip
LEGAL_FORMS = {
    "US": "Inc.", "GB": "Ltd", "DE": "GmbH", "FR": "SARL", "TZ": "Ltd", "KW": "W.L.L.", "JP": "K.K.", "BR": "Ltda.",
    "IN": "Pvt Ltd",
}  # fmt: skip
INDUSTRIES = (
    "Food & beverage", "Logistics", "Manufacturing", "Media", "Retail", "Software", "Healthcare", "Energy",
)  # fmt: skip
GIVEN_NAMES = (
    "Amina", "Boris", "Chiara", "David", "Elif", "Farid", "Grace", "Hiroshi", "Ines", "Jonas", "Kavya", "Léa",
    "Mateo", "Ngozi", "Oskar", "Priya", "Quentin", "Rosa", "Samir", "Tomoko", "Uma", "Viktor", "Wanjiru", "Yusuf",
    "Zoë",
)  # fmt: skip
FAMILY_NAMES = (
    "Adeyemi", "Bianchi", "Castillo", "Dupont", "Eriksson", "Fischer", "Grant", "Haddad", "Ito", "Jansen", "Kimaro",
    "Larsen", "Mwangi", "Nakamura", "O’Neill", "Pereira", "Quispe", "Rao", "Schneider", "Tanaka", "Usman", "Varga",
    "Weber", "Yılmaz", "Zhang",
)  # fmt: skip
TITLES = (
    "Chief Information Officer", "Head of Procurement", "Finance Director", "Engineering Manager", "Founder",
    "Operations Lead", "Office Manager", "Product Manager",
)  # fmt: skip
REMARKS = (
    "CIO is interested in trying out the product.",
    "Renewal talks start a month before the term ends; they compare us with two others.",
    "Very happy with support. Would act as a reference.",
    "Asked twice for invoices in their own currency.",
    "New finance director since the summer; introduce ourselves again.",
    "Usage doubled after the spring campaign. Offer the bigger plan.",
)
STREETS = ("Market Street", "Mill Lane", "Harbour Road", "Station Square", "Garden Avenue", "Old Bridge")
CUSTOMS = ("gold", "silver", "bronze")
