/**
 * Rex, the notation of Sire, for tree-sitter.
 *
 * Layout decides which lines are the sons of which rune. An editor needs less: blocks, lines, words,
 * runes, texts and brackets. So this grammar keeps the lines of a block as a flat list, and needs no
 * external scanner.
 */

const QUOTES = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index));

function quoted(quote) {
  const escaped = quote.replace(/[\[\]\\^&~-]/, "\\$&");
  return seq("}" + quote, new RegExp(`[^${escaped}\\n]*`), quote);
}

module.exports = grammar({
  name: "rex",

  extras: _ => [/ /],

  rules: {
    source_file: $ => seq(
      optional($._gap),
      optional(seq($.block, repeat(seq($._blank, $.block)))),
      optional($._gap),
    ),

    // Lines up to a blank line.
    block: $ => prec.right(seq(
      $._line,
      repeat(seq($._newline, $._line)),
      optional($._newline),
    )),

    _line: $ => choice(
      seq($.definition_head, repeat($._item), optional($.comment)),
      seq(repeat1($._item), optional($.comment)),
      $.comment,
    ),

    _gap: $ => choice($._blank, $._newline),
    _newline: _ => /\r?\n/,
    _blank: _ => token(prec(1, /\r?\n[ ]*(\r?\n[ ]*)+/)),

    comment: _ => /;[^\n]*/,

    _item: $ => choice(
      $.rune,
      $.number,
      $.word,
      $.text,
      $.line_text,
      $.form,
      $.list,
    ),

    // A `=` that begins a line, with the name that it binds: `= name`, `= (name x)`. The left side may
    // be something else, such as the pattern `[a b]`.
    definition_head: $ => prec.right(prec.dynamic(1, seq(
      alias("=", $.rune),
      optional(choice(
        field("name", choice($.word, $.text)),
        seq(
          "(",
          optional(alias("**", $.rune)),
          field("name", choice($.word, $.text)),
          repeat($._item),
          ")",
        ),
        seq("(", $.rune, repeat($._item), ")"),
      )),
    ))),

    form: $ => seq("(", repeat($._item), ")"),
    list: $ => seq("[", repeat($._item), "]"),

    rune: _ => /[$!#%&*+,\-.\/:<=>?@\\^`'|~]+/,
    number: _ => /[0-9][A-Za-z0-9_]*/,
    word: _ => /[A-Za-z_][A-Za-z0-9_]*/,

    text: $ => choice(
      /"[^"\n]*"/,
      $._braces,
      $._quoted,
    ),
    // `}_text_`: any ASCII character quotes.
    _quoted: _ => token(choice(...QUOTES.map(quoted))),
    _braces: $ => seq("{", repeat(choice(token.immediate(/[^{}\n]+/), $._inner_braces)), token.immediate("}")),
    _inner_braces: $ => seq(
      token.immediate("{"),
      repeat(choice(token.immediate(/[^{}\n]+/), $._inner_braces)),
      token.immediate("}"),
    ),

    // `} text` up to the end of the line.
    line_text: _ => token(seq("}", optional(/ [^\n]*/))),
  },
});
