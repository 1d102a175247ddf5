; Every way to write a string, and its printed form.

"plain"
"with spaces"
{curly}
{nested {curly} text}
{}
""
"}"
"{"
"a}b"
"has_an_underscore}"
"short } one"
"}|#"
"}|#$!%"
}_under_
}'quote'
}#{{#
}{a{

x{y}
x"y"
{a}b
{a}{b}
"a"(b)
-{x}
{a}+{b}

"é"
{Ünïcödé}

} one line

} two
} lines

}
}   with space in front, and none behind
}

  } indented
  } lines

} not

 } together

| } in a block

| a
  } in a block
  } of two lines

| a } behind
    } a son
  b

x} behind a word
 } but not going on: that was a block

| x} behind a word
   } and on

| -} after a rune
   } and on
  a-} between
    } runes

| } interrupted
  ; by a comment
  } string

@ x } one
    } two
  } three
