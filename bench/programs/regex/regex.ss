(include "timed.ss")

(define (char-of c) (list 'char c))

(define (alt a b)
  (cond [(eq? a 'none) b] [(eq? b 'none) a] [(equal? a b) a] [else (list 'alt a b)]))

(define (then a b)
  (cond [(or (eq? a 'none) (eq? b 'none)) 'none]
        [(eq? a 'empty) b] [(eq? b 'empty) a]
        [else (list 'seq a b)]))

(define (tag e) (if (symbol? e) e (car e)))

(define (nullable? e)
  (case (tag e)
    [(none) #f]
    [(empty) #t]
    [(char) #f]
    [(alt) (or (nullable? (cadr e)) (nullable? (caddr e)))]
    [(seq) (and (nullable? (cadr e)) (nullable? (caddr e)))]
    [(star) #t]))

(define (derive c e)
  (case (tag e)
    [(none) 'none]
    [(empty) 'none]
    [(char) (if (char=? c (cadr e)) 'empty 'none)]
    [(alt) (alt (derive c (cadr e)) (derive c (caddr e)))]
    [(seq)
     (let ([first (then (derive c (cadr e)) (caddr e))])
       (if (nullable? (cadr e)) (alt first (derive c (caddr e))) first))]
    [(star) (then (derive c (cadr e)) e)]))

(define (matches? e cs)
  (if (null? cs) (nullable? e)
      (let ([next (derive (car cs) e)])
        (and (not (eq? next 'none)) (matches? next (cdr cs))))))

(define (word text) (fold-right (lambda (c e) (then (char-of c) e)) 'empty (string->list text)))
(define (one-of text) (fold-right (lambda (c e) (alt (char-of c) e)) 'none (string->list text)))

(define pattern
  (fold-right then 'empty
    (list (list 'star (one-of "abc")) (word "abc") (list 'star (one-of "ab")) (char-of #\c)
          (list 'star (alt (word "abc") (alt (word "cab") (word "b")))) (char-of #\c))))

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define (letters n seed)
  (if (= n 0) '()
      (cons (integer->char (+ 97 (modulo (quotient seed 65536) 3)))
            (letters (- n 1) (random-next seed)))))

(show (length (filter (lambda (i) (matches? pattern (letters 24 (* 7919 i)))) (iota 24000))))
