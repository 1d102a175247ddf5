; Rex and Sire.

(comment) @comment
(text) @string
(line_text) @string
(number) @number
(rune) @operator
(word) @variable
(definition_head name: (word) @function)
["(" ")" "[" "]"] @punctuation.bracket

((rune) @keyword
  (#any-of? @keyword "####" ":|" "^-^" "=" "=?=" "!!" "#"))
