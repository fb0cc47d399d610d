"""What invented customers are made of. Nobody and nothing of it exists, except the cities."""

from __future__ import annotations

from typing import NamedTuple


class Town(NamedTuple):
    """A city, with another way to write it, and what postal codes and phones there look like."""

    city: str
    other: str
    country: str
    in_words: str
    postal: str
    international: str
    national: str


#: `#` stands for a digit.
TOWNS = tuple(
    Town(*line.split("|"))
    for line in """
Springfield|Springfield|US|United States|62###|+1217555####|(217) 555-####
Portland|Portland|US|USA|97###|+1503555####|503-555-####
Boise|Boise|US|United States|83###|+1208555####|(208) 555-####
Tulsa|Tulsa|US|USA|74###|+1918555####|918.555.####
Madison|Madison|US|United States of America|53###|+1608555####|(608) 555-####
Savannah|Savannah|US|USA|31###|+1912555####|912-555-####
Albany|Albany|US|USA|12###|+1518555####|(518) 555-####
Denver|Denver|US|USA|80###|+1303555####|303 555 ####
Toronto|Toronto|CA|Canada|M5V #A#|+1416555####|(416) 555-####
Halifax|Halifax|CA|Canada|B3H #K#|+1902555####|902-555-####
London|London|GB|United Kingdom|N# #AB|+44207946####|020 7946 ####
Leeds|Leeds|GB|Great Britain|LS# #QT|+44113496####|0113 496 ####
Bristol|Bristol|GB|UK|BS# #TR|+44117496####|0117 496 ####
Cardiff|Cardiff|GB|UK|CF# #AX|+44292018####|029 2018 ####
Dublin|Dublin|IE|Ireland|D0# A#B#|+3531555####|01 555 ####
München|Muenchen|DE|Germany|80###|+498955###|089 55###
Köln|Koeln|DE|Deutschland|50###|+4922155####|0221 / 55####
Berlin|Berlin|DE|Germany|10###|+493055####|030-55####
Hamburg|Hamburg|DE|DE|20###|+494055####|(040) 55####
Nürnberg|Nuremberg|DE|Germany|90###|+4991155####|0911 55####
Wien|Vienna|AT|Austria|1##0|+43155#####|01 55#####
Graz|Graz|AT|Austria|80##|+4331655####|0316 55####
Zürich|Zurich|CH|Switzerland|80##|+414455#####|044 55# ## ##
Genève|Geneva|CH|Switzerland|12##|+412255#####|022 55# ## ##
Lyon|Lyon|FR|France|690##|+33472######|04 72 ## ## ##
Nantes|Nantes|FR|France|440##|+33240######|02 40 ## ## ##
Lille|Lille|FR|FR|590##|+33320######|03 20 ## ## ##
Torino|Turin|IT|Italy|101##|+39011555####|011 555 ####
Milano|Milan|IT|Italia|201##|+3902555#####|02 555 #####
Bologna|Bologna|IT|Italy|401##|+39051555####|051 555 ####
Sevilla|Seville|ES|Spain|410##|+34954######|954 ## ## ##
Bilbao|Bilbao|ES|Spain|480##|+34944######|944 ## ## ##
Lisboa|Lisbon|PT|Portugal|1###-###|+351213######|213 ### ###
Porto|Porto|PT|Portugal|4###-###|+351223######|223 ### ###
Warszawa|Warsaw|PL|Poland|0#-###|+4822555####|22 555 ## ##
Kraków|Krakow|PL|Poland|3#-###|+4812555####|12 555 ## ##
Praha|Prague|CZ|Czech Republic|1## 00|+420222######|222 ### ###
København|Copenhagen|DK|Denmark|1###|+4533######|33 ## ## ##
Göteborg|Gothenburg|SE|Sweden|41# ##|+4631555###|031-55 5# ##
Oslo|Oslo|NO|Norway|0###|+4722######|22 ## ## ##
Helsinki|Helsinki|FI|Finland|00##0|+358955####|09 55####
Rotterdam|Rotterdam|NL|The Netherlands|30## AB|+3110555####|010 555 ####
Utrecht|Utrecht|NL|Netherlands|35## CD|+3130555####|030 555 ####
Gent|Ghent|BE|Belgium|90##|+32925#####|09 25# ## ##
Kyiv|Kiev|UA|Ukraine|01###|+38044555####|044 555 ## ##
Sofia|Sofia|BG|Bulgaria|1###|+35929######|02 9## ####
Athína|Athens|GR|Greece|10# ##|+302105######|21 05######
São Paulo|Sao Paulo|BR|Brazil|01###-###|+55113555####|(11) 3555-####
Curitiba|Curitiba|BR|Brasil|80###-###|+55413555####|(41) 3555-####
Bengaluru|Bangalore|IN|India|5600##|+91802555####|080 2555 ####
Pune|Pune|IN|India|4110##|+91202555####|020 2555 ####
Nairobi|Nairobi|KE|Kenya|00###|+25420555####|020 555 ####
Dar es Salaam|Dar es Salaam|TZ|Tanzania|11###|+25522211####|022 211 ####
Arusha|Arusha|TZ|TZ|23###|+25527250####|027 250 ####
Lagos|Lagos|NG|Nigeria|1000##|+2341555####|01 555 ####
Auckland|Auckland|NZ|New Zealand|10##|+649555####|09 555 ####
Perth|Perth|AU|Australia|60##|+61865550###|(08) 6555 0###
""".strip().splitlines()
)

STREETS = (
    "Main Street|Main St", "Mill Lane|Mill Ln", "Harbour Road|Harbour Rd", "Station Square|Station Sq",
    "Garden Avenue|Garden Ave", "Church Street|Church St.", "Park Road|Park Rd", "Hauptstraße|Hauptstr.",
    "Bahnhofstraße|Bahnhofstr.", "Lindenweg|Lindenweg", "Rue de la Paix|rue de la Paix", "Via Roma|via Roma",
    "Calle Mayor|calle Mayor", "King Street|King St", "Queen Street|Queen St", "Bridge Road|Bridge Rd",
    "Oak Avenue|Oak Ave.", "Maple Drive|Maple Dr", "Cedar Court|Cedar Ct", "Hill Road|Hill Rd", "River Lane|River Ln",
    "Kirchgasse|Kirchgasse", "Schulstraße|Schulstrasse", "North Street|North St", "Market Place|Market Pl",
)  # fmt: skip

#: Given names, with a short form where there is one.
_GIVEN = """
Robert/Bob William/Bill Richard/Dick Elizabeth/Liz Margaret/Peggy Katherine/Kate Thomas/Tom James/Jim
Michael/Mike Edward/Ted Charles/Chuck Jennifer/Jen Susan/Sue Patricia/Pat Anthony/Tony Christopher/Chris
Matthew/Matt Joshua/Josh Andrew/Andy Benjamin/Ben Samuel/Sam Alexander/Alex Nicholas/Nick Jonathan/Jon
Stephen/Steve Rebecca/Becky Deborah/Debbie Barbara/Barb Theodore/Ted Victoria/Vicky Maximilian/Max
Johannes/Hans Friedrich/Fritz Francesca Giuseppe/Beppe Francisco/Paco Guadalupe Ricardo Lorenzo Chiara
Beatriz Ines Rosa Mateo Santiago Lucia Marco Giulia Paolo Sofia Ngozi Chidi Amina Kwame Abena Wanjiru Kamau
Zuri Farid Leila Omar Yasmin Hassan Fatima Karim Priya Arjun Kavya Rohan Ananya Vikram Deepa Sanjay Hiroshi
Tomoko Kenji Yuki Haruto Sakura Wei Mei Jun Ling Astrid Bjarne Ingrid Lars Freja Magnus Sigrid Torben Annika
Jonas Leonie Moritz Wiebke Torsten Heike Uwe Anke Pierre Camille Antoine Margaux Thibault Manon Florent
Katarzyna/Kasia Tomasz Agnieszka Wojciech Zofia Pavel Jana Milan Zuzana Ondrej Marta Joao Tiago Mariana Rui
Elif Emre Zeynep Burak Deniz Esra Mario Maria Daniel Daniela Paul Paula Eric Erica Simon Simone Gabriel
"""
GIVEN = tuple((each.partition("/")[0], each.partition("/")[2]) for each in _GIVEN.split())
FAMILY_STEMS = (
    "Ander", "Beck", "Brand", "Cald", "Cross", "Dorn", "Eber", "Falk", "Gold", "Hart", "Holm", "Kell", "Kern", "Lang",
    "Lind", "Mart", "Mill", "Nord", "Oster", "Pelz", "Quist", "Rein", "Rosen", "Sand", "Schell", "Stein", "Sund", "Tann",
    "Uhl", "Vogt", "Wall", "Weid", "Winter", "Zell", "Ash", "Black", "Brook", "Clay", "Dray", "Field", "Green", "Haw",
)  # fmt: skip
FAMILY_ENDS = (
    "er", "mann", "berg", "feld", "son", "sen", "ström", "ley", "ton", "wood", "worth", "bauer", "hoff", "dahl", "ner",
    "ing", "stein", "burg", "ford", "well", "ert", "ecker", "häuser", "müller",
)  # fmt: skip
FAMILY = (
    "Smith", "Jones", "Brown", "Garcia", "Müller", "Schmidt", "Rossi", "Silva", "Kowalski", "Novak", "Adeyemi", "Okafor",
    "Mwangi", "Kimaro", "Haddad", "Rao", "Sharma", "Patel", "Tanaka", "Nakamura", "Zhang", "Nguyen", "Øvergård",
    "Łukaszewicz", "Dvořák", "Šimek", "Yılmaz", "Çelik", "Fernández", "Muñoz", "Lefèvre", "Bélanger", "Gößmann",
    "O’Neill", "D’Angelo", "van Dijk", "de Souza", "von Ahn", "Ibarra", "Castillo",
)  # fmt: skip
#: Names in another script, and the ways that people write them in Latin letters.
SCRIPTS = tuple(
    tuple(line.split("|"))
    for line in """
Юлия|Yuliya|Julia
Дмитрий|Dmitry|Dmitriy
Сергей|Sergey|Sergei
Наталья|Natalya|Natalia
Алексей|Aleksey|Alexei
Ольга|Olga|Olga
Екатерина|Ekaterina|Yekaterina
Михаил|Mikhail|Michail
Γιώργος|Giorgos|Giorgos
Ελένη|Eleni|Eleni
Νίκος|Nikos|Nicos
""".strip().splitlines()
)
SCRIPT_FAMILIES = tuple(
    tuple(line.split("|"))
    for line in """
Иванов|Ivanov
Кузнецов|Kuznetsov
Шевченко|Shevchenko
Петров|Petrov
Соколов|Sokolov
Жуков|Zhukov
Морозов|Morozov
Тимошенко|Timoshenko
Бондаренко|Bondarenko
Захаров|Zakharov
Παπαδόπουλος|Papadopoulos
Γεωργίου|Georgiou
Νικολάου|Nikolaou
""".strip().splitlines()
)
#: Letters with their other spelling.
SPELLINGS = (
    ("ü", "ue"), ("ö", "oe"), ("ä", "ae"), ("ø", "oe"), ("å", "aa"), ("ß", "ss"), ("é", "e"), ("è", "e"), ("ñ", "n"),
    ("ç", "c"), ("ł", "l"), ("Ł", "L"), ("š", "s"), ("Š", "S"), ("ř", "r"), ("á", "a"), ("ı", "i"), ("Ø", "O"),
    ("Ç", "C"), ("Ö", "Oe"), ("Ü", "Ue"),
)  # fmt: skip

FIRST_SYLLABLES = (
    "Al", "Bel", "Cor", "Dex", "El", "Fen", "Gal", "Hel", "Ix", "Jor", "Kal", "Lum", "Mer", "Nor", "Or", "Pel", "Quan",
    "Ral", "Sol", "Tel", "Ul", "Ver", "Wex", "Xan", "Yor", "Zan", "Bri", "Cre", "Dro", "Fla",
)  # fmt: skip
LAST_SYLLABLES = (
    "tria", "vex", "dyne", "mont", "lux", "nova", "sys", "tera", "wyn", "zon", "bex", "cor", "dex", "fina", "gate",
    "hive", "kron", "lith", "mark", "nix", "pact", "quill", "ridge", "spire", "trix",
)  # fmt: skip
TRADE_WORDS = (
    "Analytics", "Bakery", "Components", "Design", "Energy", "Foods", "Freight", "Gardens", "Health", "Insurance",
    "Kitchens", "Labs", "Logistics", "Media", "Mobility", "Optics", "Outfitters", "Press", "Robotics", "Software",
    "Textiles", "Travel", "Ventures", "Water", "Works", "Immobilien", "Maschinenbau", "Consulting", "Construction",
)  # fmt: skip
ADDED_WORDS = (
    "Fine",
    "New",
    "Digital",
    "Global",
    "Royal",
    "Urban",
    "Prime",
    "Green",
    "Direct",
    "Smart",
    "National",
)
FORMS = {
    "US": ("Inc.", "LLC", "Corp."), "CA": ("Inc.", "Ltd."), "GB": ("Ltd", "PLC", "Limited"), "IE": ("Ltd",),
    "DE": ("GmbH", "AG", "GmbH & Co. KG", "UG (haftungsbeschränkt)"), "AT": ("GmbH",), "CH": ("AG", "GmbH"),
    "FR": ("SARL", "S.A.S.", "SA"), "IT": ("S.r.l.", "S.p.A."), "ES": ("S.L.", "S.A."), "PT": ("Lda.",),
    "PL": ("Sp. z o.o.", "S.A."), "CZ": ("s.r.o.",), "DK": ("ApS", "A/S"), "SE": ("AB",), "NO": ("AS",), "FI": ("Oy",),
    "NL": ("B.V.", "N.V."), "BE": ("BV",), "UA": ("LLC",), "BG": ("OOD",), "GR": ("A.E.",), "BR": ("Ltda.", "S/A"),
    "IN": ("Pvt Ltd", "Private Limited"), "KE": ("Ltd",), "TZ": ("Ltd",), "NG": ("Ltd",), "NZ": ("Ltd",),
    "AU": ("Pty Ltd",),
}  # fmt: skip
FREE_MAIL = (
    "gmail.com", "gmail.com", "gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "proton.me", "gmx.de",
    "web.de", "fastmail.com", "aol.com",
)  # fmt: skip
DEPARTMENTS = ("info", "office", "billing", "sales", "kontakt", "hello")
