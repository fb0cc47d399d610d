"""Let the search fold letters: a function of PostgreSQL, and the indexes that use it in place of those by capitals.

Where the role may not make the extension, it says what to do and goes on.
"""

import hashlib
import sys

from django.db import Error as DatabaseProblem
from django.db import migrations, transaction

FUNCTION = "clientele_search_text"

# The function, and name, table and expression of each index, as they were when this migration was written.
_CREATE_FUNCTION = r"""CREATE OR REPLACE FUNCTION clientele_search_text(said text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 20 AS $body$
BEGIN
    IF octet_length(said) = length(said) THEN
        said := translate(lower(said COLLATE "C"), '-''`', ' ');
    ELSE
        said := normalize(translate(said, E'\u00b4\u0384\u1fbd\u1fbf\u1ffe\u1ffd\u1fef', ''), NFKD);
        said := regexp_replace(said, '[\u0300-\u036f\u0483-\u0487\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed''`\u02b9-\u02bf\u02c8\u02ca\u02cb\u055a\u05f3\u2018-\u201b\u2032\u2035\ua78c\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]', '', 'g');
        said := replace(lower(said COLLATE "C"), '-', ' ');
        IF said ~ '[ÐØøðþæ]' THEN
            said := translate(said, 'ÐØøðþæ', 'doodÞÆ');
        END IF;
        IF said ~ '[ĐĦŁŊŦƁƂƄƆƇƉƊƋƎƏƐƑƓƔƖƗƘƜƝƟƢƤƦƧƩƬƮƱƲƳƵƷƸƼǤǶǷłđœıħŋŧ]' THEN
            said := translate(said, 'ĐĦŁŊŦƁƂƄƆƇƉƊƋƎƏƐƑƓƔƖƗƘƜƝƟƢƤƦƧƩƬƮƱƲƳƵƷƸƼǤǶǷłđœıħŋŧ', 'dhlntɓƃƅɔƈɖɗƌǝeɛƒɠɣɩɨƙɯɲɵƣƥʀƨʃƭʈʊʋƴƶʒƹƽǥƕƿldŒihnt');
        END IF;
        IF said ~ '[ȜȠȢȤə]' THEN
            said := translate(said, 'ȜȠȢȤə', 'ȝƞȣȥe');
        END IF;
        IF said ~ '[ͅΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςϘϚϜϞϠϢϤϦϨϪϬϮ]' THEN
            said := translate(said, 'ͅΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςϘϚϜϞϠϢϤϦϨϪϬϮ', 'ιαβγδεζηθικλμνξοπρστυφχψωσϙϛϝϟϡϣϥϧϩϫϭϯ');
        END IF;
        IF said ~ '[ЂЄЅІЈЉЊЋЏАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦѨѪѬѮѰѲѴѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӃӅӇӉӋӍӔӘӠӨ]' THEN
            said := translate(said, 'ЂЄЅІЈЉЊЋЏАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦѨѪѬѮѰѲѴѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӃӅӇӉӋӍӔӘӠӨ', 'ђєѕіјљњћџабвгдежзиклмнопрстуфхцчшщъыьэюяѡѣѥѧѩѫѭѯѱѳѵѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӏӄӆӈӊӌӎӕәӡө');
        END IF;
        IF said ~ '[ԀԂԄԆԈԊԌԎԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖ]' THEN
            said := translate(said, 'ԀԂԄԆԈԊԌԎԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖ', 'ԁԃԅԇԉԋԍԏաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ');
        END IF;
        IF said ~ '[ẞ]' THEN
            said := translate(said, 'ẞ', 'ß');
        END IF;
        IF said ~ '[ᲐᲑᲒᲓᲔᲕᲖᲗᲘᲙᲚᲛᲜᲝᲞᲟᲠᲡᲢᲣᲤᲥᲦᲧᲨᲩᲪᲫᲬᲭᲮᲯᲰᲱᲲᲳᲴᲵᲶᲷᲸᲹᲺᲽᲾᲿ]' THEN
            said := translate(said, 'ᲐᲑᲒᲓᲔᲕᲖᲗᲘᲙᲚᲛᲜᲝᲞᲟᲠᲡᲢᲣᲤᲥᲦᲧᲨᲩᲪᲫᲬᲭᲮᲯᲰᲱᲲᲳᲴᲵᲶᲷᲸᲹᲺᲽᲾᲿ', 'აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰჱჲჳჴჵჶჷჸჹჺჽჾჿ');
        END IF;
        IF said ~ '[یىکہة٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹]' THEN
            said := translate(said, 'یىکہة٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', 'ييكهه01234567890123456789');
        END IF;
        IF said ~ '[‐‒–—―]' THEN
            said := translate(said, '‐‒–—―', '     ');
        END IF;
        IF said ~ '[−]' THEN
            said := translate(said, '−', ' ');
        END IF;
        IF said ~ '[०१२३४५६७८९]' THEN
            said := translate(said, '०१२३४५६७८९', '0123456789');
        END IF;
        said := replace(replace(replace(replace(said, 'Œ', 'oe'), 'Æ', 'ae'), 'Þ', 'th'), 'ß', 'ss');
        said := regexp_replace(said, '[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af][\u3099\u309a]*', ' \& ', 'g');
    END IF;
    RETURN ' ' || btrim(regexp_replace(said, '[\u0009-\u000d\u001c-\u001f\u0020\u0085\u1680\u2028\u2029]+', ' ', 'g'));
END $body$"""

_TRIGRAMS = (
    ('customer_search', 'customers_customer', 'clientele_search_text("name" || \' \' || "email")'),
    ('customer_phone_digits', 'customers_customer', 'REGEXP_REPLACE("phone", \'[^0-9]\', \'\', \'g\')'),
    ('source_record_search', 'customers_sourcerecord', 'clientele_search_text(COALESCE("claims" #>> \'{name,value}\', \'\') || \' \' || COALESCE("claims" #>> \'{email,value}\', \'\'))'),
    ('source_record_phone_digits', 'customers_sourcerecord', 'REGEXP_REPLACE(COALESCE("claims" #>> \'{phone,value}\', \'\'), \'[^0-9]\', \'\', \'g\')'),
    ('business_search', 'customers_business', 'clientele_search_text("name" || \' \' || TRANSLATE("contacts"::text, \'"\', \' \'))'),
    ('business_tax_number', 'customers_business', 'REGEXP_REPLACE(clientele_search_text("tax_identifier"), \'[^a-z0-9]\', \'\', \'g\')'),
    ('business_company_number', 'customers_business', 'REGEXP_REPLACE(clientele_search_text("company_number"), \'[^a-z0-9]\', \'\', \'g\')'),
    ('address_search', 'customers_address', 'clientele_search_text("line1" || \' \' || "line2" || \' \' || "city" || \' \' || "state" || \' \' || "postal_code")'),
    ('payment_method_phone_digits', 'customers_paymentmethod', 'REGEXP_REPLACE("phone", \'[^0-9]\', \'\', \'g\')'),
    ('company_search', 'crm_company', 'clientele_search_text("name" || \' \' || "location" || \' \' || TRANSLATE("website_urls"::text, \'"\', \' \'))'),
    ('entity_search', 'billing_entity', 'clientele_search_text("name")'),
    ('company_phone_digits', 'crm_company', 'REGEXP_REPLACE("phone", \'[^0-9]\', \'\', \'g\')'),
    ('domain_search', 'crm_domain', 'clientele_search_text("name")'),
    ('person_search', 'crm_person', 'clientele_search_text("name" || \' \' || "preferred_name" || \' \' || "last_name")'),
    ('person_email_search', 'crm_person', 'clientele_search_text("email" || \' \' || TRANSLATE("alias_emails"::text, \'"\', \' \'))'),
    ('person_phone_digits', 'crm_person', 'REGEXP_REPLACE("phone", \'[^0-9]\', \'\', \'g\')'),
    ('merged_record_search', 'crm_mergedrecord', 'clientele_search_text("document")'),
)
_PLAIN = (
    ('customer_search_beginning', 'customers_customer', '(LEFT(clientele_search_text("name"), 100)) text_pattern_ops'),
    ('customer_by_fingerprint', 'customers_customer', '"fingerprint"'),
    ('address_postal_code', 'customers_address', '(LEFT(REGEXP_REPLACE(clientele_search_text("postal_code"), \'[^a-z0-9]\', \'\', \'g\'), 40))'),
    ('address_by_source_id', 'customers_address', '"source_id"'),
    ('business_by_source_id', 'customers_business', '"source_id"'),
    ('payment_method_by_source_id', 'customers_paymentmethod', '"source_id"'),
    ('subscription_by_its_id', 'billing_subscription', '"subscription_id"'),
    ('entity_by_its_id', 'billing_entity', '"entity_id"'),
    ('relationship_by_datasource_id', 'crm_relationship', '"datasource_id"'),
)
_FORMER = (
    'customer_name_letters',
    'customer_email_letters',
    'customer_name_beginning',
    'business_name_letters',
    'business_contacts_letters',
    'company_name_letters',
    'domain_name_letters',
    'person_name_letters',
    'person_email_letters',
    'person_aliases_letters',
)

MISSING = (
    "Couldn't create PostgreSQL's extension pg_trgm ({problem}), so the search stays slow."
    " Ask a database administrator to run CREATE EXTENSION pg_trgm; in this database, then run the"
    " command index_search."
)


def make(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(_CREATE_FUNCTION)
        for name in _FORMER:
            cursor.execute(f'DROP INDEX IF EXISTS "{name}"')
        for name, table, expression in _PLAIN:
            _make(cursor, name, f'"{table}" ({expression})')
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseProblem as problem:
        sys.stderr.write(f"\n{MISSING.format(problem=str(problem).strip().partition(chr(10))[0])}\n")
        return
    with connection.cursor() as cursor:
        for name, table, expression in _TRIGRAMS:
            _make(cursor, name, f'"{table}" USING gin (({expression}) gin_trgm_ops)')


def _make(cursor, name, definition):
    # The comment tells `index_search` that the index is the one it would make.
    function = _CREATE_FUNCTION if FUNCTION in definition else ""
    digest = hashlib.sha256(f"{definition}{function}".encode()).hexdigest()
    cursor.execute(f'DROP INDEX IF EXISTS "{name}"')
    cursor.execute(f'CREATE INDEX "{name}" ON {definition}')
    cursor.execute(f"COMMENT ON INDEX \"{name}\" IS '{digest}'")


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            for name, _, _ in (*_TRIGRAMS, *_PLAIN):
                cursor.execute(f'DROP INDEX IF EXISTS "{name}"')
            cursor.execute(f"DROP FUNCTION IF EXISTS {FUNCTION}(text)")


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0007_plain_words"),
        ("customers", "0003_plain_words"),
        ("billing", "0008_plain_words"),
    ]
    operations = [migrations.RunPython(make, drop)]
