"""Words that stand in columns about people, in many languages, without accents."""

from __future__ import annotations


def words_in(text: str) -> frozenset[str]:
    """Cut words apart."""
    return frozenset(text.split())


MARITAL = words_in(
    "married single divorced widowed separated unmarried spouse husband wife cohabiting "
    "partnered ledig verheiratet geschieden verwitwet getrennt marie mariee celibataire "
    "divorce divorcee veuf veuve pacse pacsee soltero soltera casado casada viudo viuda "
    "divorciado divorciada solteiro solteira viuvo viuva celibe nubile coniugato coniugata "
    "sposato sposata divorziato vedovo vedova ongehuwd gehuwd gescheiden weduwe weduwnaar "
    "kawaler panna zonaty zamezna rozwiedziony wdowiec холост женат замужем разведен "
    "разведена вдовец вдова evli bekar bosanmis dul 既婚 未婚 離婚 已婚 离异 丧偶 기혼 미혼"
)
ETHNICITY = words_in(
    "white black asian hispanic latino latina caucasian african afroamerican native pacific "
    "islander indian amer eskimo indigenous mixed arab roma romani weiss schwarz asiatisch "
    "blanca negra mestizo indigena branca branco parda pardo preta preto amarela latinx han "
    "uyghur hui zhuang 汉族 回族 藏族 维吾尔族 满族"
)
ETHNICITY_SURE = ETHNICITY - words_in(
    "white black native mixed branca branco preta preto blanca negra weiss schwarz indian "
    "amarela pacific"
)
"""Of these, the words that are no colors and no places."""
RELIGION = words_in(
    "catholic protestant muslim islam jewish hindu buddhist christian orthodox atheist "
    "agnostic sikh mormon lutheran baptist methodist evangelisch katholisch muslimisch "
    "judisch konfessionslos catholique protestante musulman juif catolico catolica evangelico "
    "musulmana judio cattolica musulmano ebraica katholiek protestants moslim joods katolik "
    "protestant prawoslawny православие ислам иудаизм буддизм католик мусульманин hristiyan "
    "musluman 仏教 神道 佛教 道教 基督教 伊斯兰教 불교 기독교 천주교 "
    "christianity judaism hinduism buddhism"
)
EDUCATION = words_in(
    "bachelor bachelors master masters doctorate phd graduate undergraduate highschool hs "
    "preschool postgraduate diploma abitur hauptschule realschule gymnasium hochschule "
    "licence baccalaureat bac doctorat licenciatura secundaria primaria bachillerato "
    "doutorado mestrado graduacao laurea diploma hbo mbo vwo wyzsze srednie высшее среднее "
    "lisans lise 大卒 高卒 本科 硕士 博士 大专 高中 초졸 고졸 대졸 grad university college"
)
STREETS = (
    r"(?i)\b(street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|place|pl|way|"
    r"terrace|highway|hwy|square|parkway|pkwy|circle|close|crescent|grove|row|trail|plaza|alley|"
    r"rue|chemin|allée|allee|impasse|quai|place|calle|avenida|av|paseo|plaza|carrera|"
    r"callejón|pasaje|camino|ronda|glorieta|rua|travessa|alameda|rodovia|estrada|praça|praca|largo|"
    r"vila|via|viale|piazza|corso|vicolo|strada|borgo|ulica|ul|aleja|al|osiedle|os|"
    r"sokak|sk|cadde|caddesi|sokağı|mahallesi|bulvarı|улица|ул|проспект|пр|переулок|пер|шоссе|"
    r"бульвар|набережная|вулиця|вул|utca|út|útja|tér|katu|tie|gatan|vägen|gata|vej|gade|"
    r"vei|gate)\b\.?"
    r"|(straße|strasse|str\.|weg|gasse|platz|allee|ring|damm|ufer|straat|laan|plein|gracht|dijk|"
    r"kade|singel|gatan|vägen|katu|tie|vej|gade|veien|丁目|番地|[0-9]号|路|街|道)( |,|\d|$)"
)
FIRMS = (
    r"(?i)(^|[\s,.])(inc|llc|ltd|limited|gmbh|ag|kg|ohg|se|s\.?a|sarl|s\.?l|corp|corporation|co|bv|"
    r"b\.v|nv|oy|oyj|ab|as|a/s|spa|s\.p\.a|srl|s\.r\.l|plc|pty|ltda|sp\. z o\.o|ооо|оао|зао|ао|пао|"
    r"group|holding|holdings|company|industries|partners|associates|consulting|systems|"
    r"technologies|solutions|labs|bank|handel|markets)\.?$|株式会社|有限公司|주식회사|^(ооо|ао|"
    r"зао|пао) "
)
TITLES = (
    r"(?i)\b(mr|mrs|ms|miss|master|dr|prof|sir|rev|col|major|capt|herr|frau|hr|fr|m|mme|"
    r"mlle|sr|sra|"
    r"srta|sig|don|dona|dhr|mevr|pan|pani|jr|iii|ii|phd|md|mba)\.|[,()\"“”.]"
)

PEOPLE = words_in(
    "account acct agent applicant athlete author beneficiary borrower buyer calisan candidate "
    "cardholder child citizen claimant client cliente clientes clients contact cust customer "
    "doctor donor driver emp empleado employee family father funcionario guardian guest hasta "
    "holder household insured klant klient kunde kunden manager member mitarbeiter mother "
    "musteri nurse owner paciente pacjent parent participant passenger patient patienten payee "
    "payer person persona physician player receiver recipient resident respondent seller sender "
    "spouse staff student subject subscriber supervisor teacher tenant user usr usuario visitor "
    "voter witness клиент пациент пользователь сотрудник 会员 会員 员工 客户 患者 用户 社員 顧客"
)
"""Words of headers for people: what is said of them identifies them."""
THINGS = words_in(
    "agency airline airport album animal app application artikel asset attribute bank branch "
    "brand browser bucket building campaign category channel chemical class column course "
    "currency dataset department dept destination device dish dog drug event exchange "
    "experiment facility feature field file filiale film flight fund game gene genre horse "
    "hospital host hotel index ingredient item lager language league level library license line "
    "loja magasin magaza manufacturer market media medicine merchant metric model module movie "
    "negozio office origin os package page pet plan prodotto product producto produit produkt "
    "produto project protein query recipe repo room route school segment server service ship "
    "shipper shop site sklep sklepu sku song source stadium station status stock stop store "
    "supplier table tax team territory tienda tier track type university urun variable variant "
    "vendor venue vessel warehouse магазин товар 产品 商品 商店 店舗 店铺"
)
"""Words of headers for things: their names, places and numbers are about no person."""
AROUND = words_in(
    "anzahl attempts available avg blocked bounced brand cantidad carrier category changed "
    "clicked cnt confirmed consent count days domain enabled error estado_de exists flag format "
    "freq frequency had has hours index is kind len length level limit match mean missing model "
    "months n nb nombre_de num number_of opened opt optin per prefix provided provider qtd "
    "quality rank rate ratio rodzaj score sent source status statut subscribed sum tipo total "
    "typ type valid validated verified version was"
)
"""Words of headers about a property of an email, a phone ... and not the thing itself."""
PARTICLES = words_in(
    "de da do dos das del de la las los van von der den di du le el al bin ibn ter ten zu y e"
)
"""Small words of surnames."""
