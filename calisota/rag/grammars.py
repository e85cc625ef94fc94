"""What the chunker knows of each language: one row a language, over its tree-sitter grammar."""

from __future__ import annotations

import importlib
import warnings
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Parser


class Grammar(NamedTuple):
    """Node types of one language."""

    module: str
    """The Python module that holds the compiled grammar."""
    functions: frozenset[str]
    containers: frozenset[str]
    """Definitions with definitions inside: classes, namespaces, impl blocks, sections."""
    wrappers: frozenset[str] = frozenset()
    """What stands around a definition and belongs to it: decorators, `export`, `template`."""
    transparent: frozenset[str] = frozenset()
    """What may hold definitions and is none: branches, blocks, conditional compilation."""
    quiet: frozenset[str] = frozenset()
    """Statements that say nothing by themselves."""
    comment: str = "//"
    separator: str = "::"
    function: str = "language"
    """Of the module, which returns the grammar."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_C_TRANSPARENT = _names(
    "preproc_if preproc_ifdef preproc_else preproc_elif linkage_specification declaration_list"
)
_C_QUIET = _names("preproc_include comment ;")
_SCRIPT = Grammar(
    module="tree_sitter_javascript",
    functions=_names(
        "function_declaration generator_function_declaration method_definition "
        "lexical_declaration variable_declaration"
    ),
    containers=_names(
        "class_declaration abstract_class_declaration interface_declaration enum_declaration "
        "internal_module module"
    ),
    wrappers=_names("export_statement ambient_declaration"),
    transparent=_names("statement_block class_body if_statement expression_statement"),
    quiet=_names("import_statement comment"),
    separator=".",
)
GRAMMARS = {
    "python": Grammar(
        module="tree_sitter_python",
        functions=_names("function_definition"),
        containers=_names("class_definition"),
        wrappers=_names("decorated_definition"),
        transparent=_names(
            "block if_statement elif_clause else_clause try_statement except_clause finally_clause "
            "with_statement for_statement while_statement"
        ),
        quiet=_names(
            "import_statement import_from_statement future_import_statement comment pass_statement"
        ),
        comment="#",
        separator=".",
    ),
    "rust": Grammar(
        module="tree_sitter_rust",
        functions=_names("function_item function_signature_item macro_definition"),
        containers=_names("impl_item trait_item mod_item struct_item enum_item union_item"),
        transparent=_names("declaration_list"),
        quiet=_names("use_declaration extern_crate_declaration line_comment block_comment"),
    ),
    "go": Grammar(
        module="tree_sitter_go",
        functions=_names("function_declaration method_declaration"),
        containers=_names("type_declaration"),
        quiet=_names("import_declaration package_clause comment"),
        separator=".",
    ),
    "c": Grammar(
        module="tree_sitter_c",
        functions=_names("function_definition"),
        containers=_names("struct_specifier union_specifier enum_specifier type_definition"),
        transparent=_C_TRANSPARENT,
        quiet=_C_QUIET,
    ),
    "cpp": Grammar(
        module="tree_sitter_cpp",
        functions=_names("function_definition"),
        containers=_names(
            "class_specifier struct_specifier union_specifier enum_specifier namespace_definition "
            "type_definition"
        ),
        wrappers=_names("template_declaration"),
        transparent=_C_TRANSPARENT | _names("field_declaration_list"),
        quiet=_C_QUIET | _names("using_declaration"),
    ),
    "perl": Grammar(
        module="tree_sitter_perl",
        functions=_names("subroutine_declaration_statement method_declaration_statement"),
        containers=_names("package_statement class_statement"),
        transparent=_names("block"),
        quiet=_names("use_statement comment pod"),
        comment="#",
    ),
    "java": Grammar(
        module="tree_sitter_java",
        functions=_names("method_declaration constructor_declaration"),
        containers=_names(
            "class_declaration interface_declaration enum_declaration record_declaration "
            "annotation_type_declaration"
        ),
        transparent=_names("class_body interface_body enum_body enum_body_declarations"),
        quiet=_names("import_declaration package_declaration line_comment block_comment"),
        separator=".",
    ),
    "javascript": _SCRIPT,
    "typescript": _SCRIPT._replace(
        module="tree_sitter_typescript",
        function="language_tsx",
        functions=_SCRIPT.functions | _names("function_signature method_signature"),
        containers=_SCRIPT.containers | _names("type_alias_declaration"),
    ),
    "markdown": Grammar(
        module="tree_sitter_markdown",
        functions=frozenset(),
        containers=_names("section"),
        comment="#",
        separator=" > ",
    ),
}


@cache
def parser_of(language: str) -> Parser | None:
    """The parser of a language; None: there is no grammar, as for prose."""
    grammar = GRAMMARS.get(language)
    if grammar is None:
        return None
    from tree_sitter import Language, Parser  # noqa: PLC0415  # compiled

    module = importlib.import_module(grammar.module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Perl's hands its pointer out as int
        return Parser(Language(getattr(module, grammar.function)()))
