(include "timed.ss")

(define (random-next seed) (modulo (+ 12345 (* 1103515245 seed)) (expt 2 31)))

(define (word seed n)
  (if (= n 0) '()
      (cons (+ 97 (modulo (quotient seed 65536) 6)) (word (random-next seed) (- n 1)))))

(define (distance-row bs previous i a)
  (cons i
    (let go ([left i] [bs bs] [previous previous])
      (if (null? bs) '()
          (let* ([diagonal (car previous)] [rest (cdr previous)]
                 [cell (if (= a (car bs)) diagonal
                           (+ 1 (min diagonal (min left (car rest)))))])
            (cons cell (go cell (cdr bs) rest)))))))

(define (last l) (if (null? (cdr l)) (car l) (last (cdr l))))

(define (distance as bs)
  (let go ([i 1] [as as] [row (iota (+ 1 (length bs)))])
    (if (null? as) (last row)
        (go (+ i 1) (cdr as) (distance-row bs row i (car as))))))

(define (common-row bs previous a)
  (cons 0
    (let go ([left 0] [bs bs] [previous previous])
      (if (null? bs) '()
          (let* ([diagonal (car previous)] [rest (cdr previous)]
                 [cell (if (= a (car bs)) (+ 1 diagonal) (max left (car rest)))])
            (cons cell (go cell (cdr bs) rest)))))))

(define (common as bs)
  (last (fold-left (lambda (row a) (common-row bs row a)) (make-list (+ 1 (length bs)) 0) as)))

(let ([a (word 1 1200)] [b (word 2 1100)])
  (show (+ (distance a b) (* 10000 (common a b)))))
