"""What the mutator knows of each language: one row a language, over its tree-sitter grammar."""

from __future__ import annotations

from typing import NamedTuple

from calisota.models import Language


class MutationGrammar(NamedTuple):
    """Node types of one language, and how it writes a few things."""

    operators: frozenset[str]
    """Nodes whose anonymous children are operators; elsewhere `<` may open a type."""
    swaps: dict[str, str]
    integers: frozenset[str]
    strings: frozenset[str]
    skipped: frozenset[str]
    """Never entered: comments, imports, types, what holds for the compiler alone."""
    negations: frozenset[str]
    """Nodes of a unary operator; `!` or `not` in them is taken away."""
    conditions: frozenset[str]
    """Nodes whose field `condition` decides which way the program goes."""
    statements: frozenset[str]
    """Nodes that may be deleted, if `deletable` names their only child or they are in it."""
    deletable: frozenset[str]
    nothing: str
    """A statement that does nothing."""
    returns: frozenset[str]
    not_: str = "!"
    functions: frozenset[str] = frozenset()
    """Top-level definitions that count only where the entry point reaches them."""
    empty_string: str = '""'


_COMPARISON = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
_ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "&": "|", "|": "&", "^": "&"}
_ASSIGNED = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "%=": "*=", "|=": "&=", "&=": "|="}
_SHIFTS = {"<<": ">>", ">>": "<<"}
_C_LOGIC = {"&&": "||", "||": "&&"}
_COMMON = _COMPARISON | _ARITHMETIC | _ASSIGNED | _C_LOGIC


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_C = MutationGrammar(
    operators=_names("binary_expression assignment_expression"),
    swaps=_COMMON | _SHIFTS,
    integers=_names("number_literal"),
    strings=_names("string_literal raw_string_literal"),
    skipped=_names(
        "comment preproc_include preproc_def preproc_function_def preproc_call struct_specifier "
        "union_specifier enum_specifier type_definition type_descriptor gnu_asm_expression "
        "static_assert_declaration template_parameter_list template_argument_list using_declaration"
        " alias_declaration attribute_declaration attribute_specifier array_declarator "
        "char_literal concatenated_string requires_clause noexcept"
    ),
    negations=_names("unary_expression"),
    conditions=_names(
        "if_statement while_statement do_statement for_statement conditional_expression"
    ),
    statements=_names("expression_statement"),
    deletable=_names("assignment_expression call_expression update_expression"),
    nothing=";",
    returns=_names("return_statement"),
    functions=_names("function_definition"),
)

MUTATION_GRAMMARS = {
    Language.PYTHON: MutationGrammar(
        operators=_names(
            "comparison_operator binary_operator boolean_operator augmented_assignment"
        ),
        swaps=_COMPARISON
        | _ASSIGNED
        | _SHIFTS
        | {"+": "-", "-": "+", "*": "//", "/": "*", "//": "*", "%": "*", "**": "*", "//=": "*="}
        | {"&": "|", "|": "&", "^": "&", "and": "or", "or": "and"}
        | {"in": "not in", "not in": "in", "is": "is not", "is not": "is"},
        integers=_names("integer"),
        strings=_names("string"),
        skipped=_names(
            "comment import_statement import_from_statement future_import_statement type decorator "
            "type_alias_statement global_statement nonlocal_statement concatenated_string"
        ),
        negations=_names("not_operator"),
        conditions=_names("if_statement elif_clause while_statement"),
        statements=_names("expression_statement"),
        deletable=_names("augmented_assignment call"),
        nothing="pass",
        returns=_names("return_statement"),
        not_="not ",
        functions=_names("function_definition"),
    ),
    Language.RUST: MutationGrammar(
        operators=_names("binary_expression compound_assignment_expr"),
        swaps=_COMMON | _SHIFTS,
        integers=_names("integer_literal"),
        strings=_names("string_literal raw_string_literal"),
        skipped=_names(
            "line_comment block_comment use_declaration extern_crate_declaration attribute_item "
            "inner_attribute_item struct_item enum_item union_item type_item type_arguments "
            "type_parameters where_clause array_type macro_definition extern_modifier char_literal "
            "lifetime trait_bounds"
        ),
        negations=_names("unary_expression"),
        conditions=_names("if_expression while_expression"),
        statements=_names("expression_statement"),
        deletable=_names("assignment_expression compound_assignment_expr call_expression"),
        nothing="();",
        returns=_names("return_expression"),
        functions=_names("function_item"),
    ),
    Language.GO: MutationGrammar(
        operators=_names("binary_expression assignment_statement"),
        swaps=_COMMON | _SHIFTS,
        integers=_names("int_literal"),
        strings=_names("interpreted_string_literal raw_string_literal"),
        skipped=_names(
            "comment import_declaration package_clause type_declaration rune_literal type_arguments"
            " type_parameter_list array_type"
        ),
        negations=_names("unary_expression"),
        conditions=_names("if_statement for_clause"),
        statements=_names("expression_statement assignment_statement inc_statement dec_statement"),
        deletable=_names("assignment_statement inc_statement dec_statement call_expression"),
        nothing="{}",
        returns=_names("return_statement"),
        functions=_names("function_declaration"),
    ),
    Language.C: _C,
    # In C++ a shift is more often a stream, and a stream has no other direction.
    Language.CPP: _C._replace(
        swaps=_COMMON | {"and": "or", "or": "and"},
        deletable=_C.deletable | _names("binary_expression"),
    ),
    Language.PERL: MutationGrammar(
        operators=_names(
            "binary_expression equality_expression relational_expression assignment_expression "
            "lowprec_logical_expression"
        ),
        swaps=_COMMON
        | _SHIFTS
        | {"and": "or", "or": "and", "eq": "ne", "ne": "eq", "lt": "le", "le": "lt"}
        | {"gt": "ge", "ge": "gt", "**": "*"},
        integers=_names("number"),
        strings=_names("string_literal interpolated_string_literal"),
        skipped=_names(
            "comment pod use_statement require_expression package_statement quoted_word_list "
            "match_regexp quoted_regexp substitution_regexp transliteration_expression "
            "heredoc_token heredoc_content command_string"
        ),
        negations=_names("unary_expression logical_not_expression"),
        conditions=_names(
            "conditional_statement elsif postfix_conditional_expression loop_statement "
            "conditional_expression"
        ),
        statements=_names("expression_statement"),
        deletable=_names(
            "assignment_expression postinc_expression preinc_expression function_call_expression "
            "ambiguous_function_call_expression method_call_expression func1op_call_expression"
        ),
        nothing="1",
        returns=_names("return_expression"),
        functions=_names("subroutine_declaration_statement"),
    ),
}
