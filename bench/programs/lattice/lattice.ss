(include "timed.ss")

(define (subset? a b) (= a (logand a b)))

(define (at-most? a b) (and (<= (car a) (car b)) (<= (cdr a) (cdr b))))

(define (product n m)
  (apply append (map (lambda (i) (map (lambda (j) (cons i j)) (iota m))) (iota n))))

(define (maps targets done sources)
  (if (null? sources) 1
      (let ([x (car sources)])
        (fold-left
          (lambda (count y)
            (if (for-all (lambda (p) (or (not (subset? (car p) x)) (at-most? (cdr p) y))) done)
                (+ count (maps targets (cons (cons x y) done) (cdr sources)))
                count))
          0 targets))))

(show (maps (product 2 3) '() (iota 16)))
