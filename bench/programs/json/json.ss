(include "timed.ss")

(define (show-text s) (string-append "\"" s "\""))

(define (intersperse sep l)
  (if (or (null? l) (null? (cdr l))) l
      (cons (car l) (cons sep (intersperse sep (cdr l))))))

(define (show-items open items close)
  (string-append open (apply string-append (intersperse "," items)) close))

(define (show-json json)
  (case (car json)
    [(null) "null"]
    [(bool) (if (cadr json) "true" "false")]
    [(num) (number->string (cadr json))]
    [(str) (show-text (cadr json))]
    [(arr) (show-items "[" (map show-json (cadr json)) "]")]
    [(obj)
     (show-items "{"
       (map (lambda (p) (string-append (show-text (car p)) ":" (show-json (cdr p))))
            (cadr json))
       "}")]))

; Parsers call (ok value rest).
(define (parse-digits n cs ok)
  (if (and (pair? cs) (char-numeric? (car cs)))
      (parse-digits (+ (* 10 n) (- (char->integer (car cs)) 48)) (cdr cs) ok)
      (ok n cs)))

(define (parse-text acc cs ok)
  (if (char=? (car cs) #\")
      (ok (list->string (reverse acc)) (cdr cs))
      (parse-text (cons (car cs) acc) (cdr cs) ok)))

(define (parse-items close item acc cs ok)
  (cond [(char=? (car cs) close) (ok (reverse acc) (cdr cs))]
        [(char=? (car cs) #\,) (parse-items close item acc (cdr cs) ok)]
        [else (item cs (lambda (x cs) (parse-items close item (cons x acc) cs ok)))]))

(define (parse-pair cs ok)
  (parse-text '() (cdr cs)
    (lambda (key cs)
      (parse-json (cdr cs) (lambda (x cs) (ok (cons key x) cs))))))

(define (parse-json cs ok)
  (case (car cs)
    [(#\n) (ok (list 'null) (list-tail cs 4))]
    [(#\t) (ok (list 'bool #t) (list-tail cs 4))]
    [(#\f) (ok (list 'bool #f) (list-tail cs 5))]
    [(#\") (parse-text '() (cdr cs) (lambda (s cs) (ok (list 'str s) cs)))]
    [(#\[) (parse-items #\] parse-json '() (cdr cs) (lambda (xs cs) (ok (list 'arr xs) cs)))]
    [(#\{)
     (parse-items #\} parse-pair '() (cdr cs)
       (lambda (ps cs)
         (ok (list 'obj (list-sort (lambda (a b) (string<? (car a) (car b))) ps)) cs)))]
    [else (parse-digits 0 cs (lambda (n cs) (ok (list 'num n) cs)))]))

(define (document depth n)
  (if (= depth 0)
      (case (modulo n 4)
        [(0) (list 'null)]
        [(1) (list 'bool (not (= 0 (modulo n 3))))]
        [(2) (list 'num n)]
        [else (list 'str "some text")])
      (list 'obj
        (list (cons "id" (list 'num n))
              (cons "kids"
                (list 'arr (map (lambda (i) (document (- depth 1) (+ i (* 5 n)))) (iota 5))))
              (cons "title"
                (list 'str (string-append "node " (number->string n))))))))

(define (rounds n text)
  (if (= n 0)
      (fold-left (lambda (acc c) (modulo (+ (char->integer c) (* 31 acc)) 1000003)) 0
                 (string->list text))
      (rounds (- n 1) (parse-json (string->list text) (lambda (json rest) (show-json json))))))

(show (rounds 30 (show-json (document 5 0))))
