(include "timed.ss")

(define neighbours '(0 1 2 1000 1002 2000 2001 2002))

(define (crowd cells)
  (let ([table (make-eqv-hashtable)])
    (vector-for-each
      (lambda (cell)
        (for-each
          (lambda (offset)
            (hashtable-update! table (- (+ cell offset) 1001) (lambda (n) (+ n 1)) 0))
          neighbours))
      (hashtable-keys cells))
    table))

(define (step cells)
  (let ([next (make-eqv-hashtable)])
    (let-values ([(keys counts) (hashtable-entries (crowd cells))])
      (vector-for-each
        (lambda (cell n)
          (if (or (= n 3) (and (= n 2) (hashtable-contains? cells cell)))
              (hashtable-set! next cell #t)))
        keys counts))
    next))

(define (run n cells) (if (= n 0) cells (run (- n 1) (step cells))))

(define (check cells)
  (fold-left (lambda (acc cell) (modulo (+ cell (* 31 acc)) 1000003)) (hashtable-size cells)
    (list-sort < (vector->list (hashtable-keys cells)))))

(define start
  (let ([cells (make-eqv-hashtable)])
    (for-each (lambda (c) (hashtable-set! cells c #t))
              '(499501 499502 500500 500501 501501))
    cells))

(show (check (run 1000 start)))
