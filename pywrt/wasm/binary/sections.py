"""The sections of a module and the bytes around them. Spec: binary/modules.html"""

MAGIC = b"\0asm"
VERSION = b"\1\0\0\0"

CUSTOM_SECTION = 0
TYPE_SECTION, IMPORT_SECTION, FUNCTION_SECTION, TABLE_SECTION, MEMORY_SECTION = 1, 2, 3, 4, 5
GLOBAL_SECTION, EXPORT_SECTION, START_SECTION, ELEMENT_SECTION, CODE_SECTION = 6, 7, 8, 9, 10
DATA_SECTION, DATA_COUNT_SECTION, TAG_SECTION = 11, 12, 13

#: Names of the known sections by id, in the order in which they may stand.
SECTION_NAMES = {
    TYPE_SECTION: "type",
    IMPORT_SECTION: "import",
    FUNCTION_SECTION: "function",
    TABLE_SECTION: "table",
    MEMORY_SECTION: "memory",
    TAG_SECTION: "tag",
    GLOBAL_SECTION: "global",
    EXPORT_SECTION: "export",
    START_SECTION: "start",
    ELEMENT_SECTION: "element",
    DATA_COUNT_SECTION: "data count",
    CODE_SECTION: "code",
    DATA_SECTION: "data",
}
#: Place of each section in that order, by id; a custom section has none.
SECTION_ORDER = {section: place for place, section in enumerate(SECTION_NAMES, 1)}
#: What sections need that came with a feature.
SECTION_FEATURES = {TAG_SECTION: "exceptions", DATA_COUNT_SECTION: "bulk-memory"}

#: External kinds by their byte. Spec: binary/types.html#external-types
EXTERNAL_KINDS = ("func", "table", "memory", "global", "tag")
#: What the kinds need that came with a feature.
KIND_FEATURES = {"tag": "exceptions"}
#: The kind of an import that asks for a function of exactly its type.
EXACT_FUNC_KIND = 0x20
